#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "dropline/contracts/envelope.hpp"
#include "dropline/contracts/stock_events.hpp"
#include "dropline/store/database.hpp"
#include "dropline/store/value.hpp"
#include "outcomes.hpp"
#include "told_after.hpp"

namespace dropline::audit {

/// What was told of orders beside their rows: stock's decisions, each step of their public life in
/// its order, and the records that ordering's facts name. Decisions are compared as they come, a
/// statement for each kChunk of them.
class OrderChecks final {
 public:
  static constexpr std::size_t kChunk = 2'000;

  OrderChecks(Outcomes& out, store::Session& session) : out_(out), session_(session) {}
  static void announce(Outcomes& out);

  /// Of a topic that ordering reads: a record that its facts may name.
  void heard(const stream::Record& record, const contracts::Envelope& envelope);
  [[nodiscard]] Status take(const stream::Record& record, const contracts::Envelope& envelope);
  [[nodiscard]] Status finish();

 private:
  struct Life {
    std::int64_t version = 0;
    contracts::OrderState state = contracts::OrderState::received;
    std::uint64_t told = 0;       ///< a bit a step, of the first 64
    std::uint64_t entries = 0;    ///< sum of the prints of those steps' entries
    std::uint64_t terms = 0;      ///< print of what the last step says of the order itself
    std::uint64_t reference = 0;  ///< print of what the payer was told; zero: nothing
    std::int64_t due_at = 0;      ///< told with it; zero where it was not
    ToldAfter after;
  };
  struct Decision {
    std::string text;  ///< of the row, in the words of this check
    std::string where;
    bool released = false;
    bool settled = false;
  };
  void step(const stream::Record& record, const contracts::Envelope& envelope);
  void remember(const contracts::Envelope& envelope, Life& life);
  void compare_life(const store::Rows::Row& row);
  void compare_records(const std::string& where, std::string_view facts);
  void decided(const stream::Record& record, const contracts::Envelope& envelope);
  [[nodiscard]] Status compare_decisions();
  [[nodiscard]] Status compare_lives();
  [[nodiscard]] Status compare_lives(const std::vector<Uuid>& ids);

  Outcomes& out_;
  store::Session& session_;
  std::unordered_map<OrderId, Life> lives_;
  std::map<OrderId, Decision> decisions_;  ///< a chunk of them
  std::vector<std::uint64_t> records_;     ///< prints of what ordering can have heard; sorted
};

}  // namespace dropline::audit
