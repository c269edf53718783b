#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "dropline/contracts/deliveries_events.hpp"
#include "dropline/contracts/envelope.hpp"
#include "dropline/store/database.hpp"
#include "dropline/store/table.hpp"
#include "outcomes.hpp"

namespace dropline::audit {

/// What was told of deliveries, beside their rows.
class GoodsChecks final {
 public:
  GoodsChecks(Outcomes& out, store::Session& session) : out_(out), session_(session) {}
  static void announce(Outcomes& out);

  /// Of `deliveries.events`, `deliveries.commands` and `orders.events`.
  void take(const stream::Record& record, const contracts::Envelope& envelope);
  [[nodiscard]] Status finish();

 private:
  using Key = std::pair<OrderId, MemberId>;
  struct Told {
    std::set<std::int64_t> paid;         ///< steps that paid the order
    std::set<std::int64_t> closed;       ///< steps at which it was to be closed
    std::set<std::int64_t> times;        ///< of all that was told and asked of it
    std::optional<std::string> cause;    ///< of the first that closed it
    std::optional<std::string> shipped;  ///< who, by which command, when
    std::optional<std::string> delivered;
    std::string waybill;  ///< carrier and number, as told last
    bool row = false;     ///< there must be one
  };
  void tell(Told& told, const contracts::DeliveryShipped& fact);
  void tell(Told& told, const contracts::DeliveryDelivered& fact);
  [[nodiscard]] Status compare(const std::map<Key, Told>& all);
  void compare(const store::Rows::Row& row, const Told& told);

  Outcomes& out_;
  store::Session& session_;
  std::map<Key, Told> told_;
};

}  // namespace dropline::audit
