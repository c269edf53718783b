#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/base/ids.hpp"
#include "dropline/base/random.hpp"
#include "dropline/http/client.hpp"
#include "plan.hpp"

namespace dropline::load {

/// Makes a bearer token for a member; `operating` for one that may operate the shop.
using Mint = std::function<std::string(const MemberId& member, bool operating)>;

/// A sale made for the load: products, drops that are open, members with money, all through the
/// shop's own HTTP as an operator and shoppers would, and the orders they then place.
class Sale final {
 public:
  /// Blocks until everything is in place; says on `progress` how far it is.
  [[nodiscard]] static Result<Sale> open(const Plan& plan, const Mint& mint, Random& random,
                                         const std::function<void(const std::string&)>& progress);

  /// Appends the order of that arrival, the next number each time, as an HTTP request. Members
  /// take turns, so do SKUs.
  void write_order(std::uint64_t arrival, std::string& out);
  /// The ids of those orders, by arrival: they are known before any answer is.
  [[nodiscard]] const std::vector<OrderId>& orders() const noexcept { return orders_; }

  [[nodiscard]] std::int64_t units() const noexcept { return units_; }
  /// What a member has in the wallet now, asked of the shop.
  [[nodiscard]] Result<std::int64_t> balance(std::size_t member);
  [[nodiscard]] std::size_t members() const noexcept { return heads_.size(); }
  [[nodiscard]] std::size_t member_of(std::uint64_t arrival) const noexcept {
    return arrival % heads_.size();
  }

 private:
  Sale(const Plan& plan, Random& random) : plan_(plan), random_(random) {}
  Status list_products(const std::string& token);
  Status schedule_drops(const std::string& token);
  Status wait_open();
  Status fund(const std::function<void(const std::string&)>& progress);
  Status charge(http::Client& shop, http::Client& gateway, std::size_t member) const;
  [[nodiscard]] std::string offers_json(std::size_t drop, bool priced) const;

  const Plan& plan_;
  Random& random_;
  std::int64_t units_ = 0;
  std::vector<Uuid> drops_;
  std::vector<Uuid> products_;  ///< one a drop
  std::vector<std::vector<std::string>> skus_;
  std::vector<std::string> tokens_;
  std::vector<std::string> heads_;   ///< of a request, a member each
  std::vector<std::string> bodies_;  ///< of an order, a SKU each
  std::vector<DropId> drop_of_;      ///< by body
  std::vector<MemberId> member_ids_;
  std::vector<OrderId> orders_;
};

}  // namespace dropline::load
