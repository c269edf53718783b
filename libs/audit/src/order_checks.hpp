#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "dropline/contracts/envelope.hpp"
#include "dropline/contracts/stock_events.hpp"
#include "dropline/store/database.hpp"
#include "outcomes.hpp"

namespace dropline::audit {

/// What was told of orders beside their rows: stock's decisions, and each step of their public life
/// in its order. Decisions are compared as they come, a statement for each kChunk of them.
class OrderChecks final {
 public:
  static constexpr std::size_t kChunk = 2'000;

  OrderChecks(Outcomes& out, store::Session& session) : out_(out), session_(session) {}
  static void announce(Outcomes& out);

  [[nodiscard]] Status take(const stream::Record& record, const contracts::Envelope& envelope);
  [[nodiscard]] Status finish();

 private:
  struct Life {
    std::int64_t version = 0;
    contracts::OrderState state = contracts::OrderState::received;
  };
  struct Decision {
    std::string text;  ///< of the row, in the words of this check
    std::string where;
    bool released = false;
    bool settled = false;
  };
  void step(const stream::Record& record, const contracts::Envelope& envelope);
  void decided(const stream::Record& record, const contracts::Envelope& envelope);
  [[nodiscard]] Status compare_decisions();
  [[nodiscard]] Status compare_lives();
  [[nodiscard]] Status compare_lives(const std::vector<Uuid>& ids);

  Outcomes& out_;
  store::Session& session_;
  std::unordered_map<OrderId, Life> lives_;
  std::map<OrderId, Decision> decisions_;  ///< a chunk of them
};

}  // namespace dropline::audit
