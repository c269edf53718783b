// Facts come over three topics. Whatever is read first, whatever comes twice, and however it falls
// into batches: the end is the same. All interleavings of the stories of one order.
#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <map>
#include <set>

#include "scene.hpp"

using namespace dropline;
using namespace dropline::ordering;
using namespace dropline::ordering::testing;

namespace {

/// What payments does by its contract, for one order.
struct Till {
  enum class State { unknown, open, captured, closed };
  State state = State::unknown;
  EndCause cause = EndCause::cancelled;
  std::int64_t refunded = 0;

  using Answers = std::vector<Said>;

  Answers bill(const StockReserved& order, bool has_money) {
    if (state != State::unknown) return {};
    if (order.payment.method != PaymentMethod::wallet) {
      state = State::open;
      return {opened(1)};
    }
    if (has_money) {
      state = State::captured;
      return {captured(1)};
    }
    state = State::closed;
    cause = EndCause::payment_failed;
    return {declined(1)};
  }
  Answers money_arrives() {
    if (state != State::open) return {};
    state = State::captured;
    return {captured(1)};
  }
  Answers close(EndCause asked) {
    if (state == State::captured && asked == EndCause::expired) return {captured(1)};
    if (state != State::closed) {
      refunded = state == State::captured ? kPrice : 0;
      cause = asked;
      state = State::closed;
    }
    return {closed(1, cause, refunded)};
  }
};

struct Story {
  std::string name;
  Said first;                  ///< stock's
  std::vector<Said> commands;  ///< in their topic's order
  bool has_money = true;
  bool money_arrives = false;  ///< by card, some time
  bool falls_due = false;      ///< some time
  int copies = 0;              ///< records that come twice
};

enum Topic : std::size_t { kStock, kPayments, kCommands, kTopics };

/// All there is, at one moment of one run.
struct World {
  std::array<std::vector<Said>, kTopics> topics;
  std::array<std::size_t, kTopics> read{};
  bool billed = false;
  bool arrived = false;
  bool fell_due = false;
  int copies = 0;
  std::vector<EndCause> closes;
  std::size_t closed = 0;
  Till till;

  Order order = new_order();
  bool noted = false;  ///< something that is not advanced: a batch is open

  // What the world saw of it.
  std::vector<std::string> steps;
  std::set<std::string> refusals;  ///< a command that comes twice is answered twice
  int settled = 0;
  int released = 0;
  std::int64_t version = 0;
};

class Runs final {
 public:
  explicit Runs(const Story& story) : story_(story) {}

  /// Tries every way to go on.
  void explore(const World& world) {
    ++states;
    bool any = false;
    const auto go = [&](const std::function<void(World&)>& move) {
      any = true;
      auto next = world;
      move(next);
      explore(next);
    };
    for (std::size_t t = 0; t < kTopics; ++t)
      if (world.read[t] < world.topics[t].size()) go([&, t](World& w) { read(w, t); });
    if (world.noted) go([this](World& w) { commit(w); });
    if (!world.billed) go([this](World& w) { bill(w); });
    if (world.closed < world.closes.size())
      go([](World& w) { say(w, w.till.close(w.closes[w.closed++])); });
    if (story_.money_arrives && !world.arrived && world.billed)
      go([](World& w) {
        w.arrived = true;
        say(w, w.till.money_arrives());
      });
    if (story_.falls_due && !world.fell_due && world.order.deadline && !world.noted)
      go([this](World& w) { fall_due(w); });
    if (world.copies < story_.copies)
      for (std::size_t t = 0; t < kTopics; ++t)
        for (std::size_t i = 0; i < world.topics[t].size(); ++i)
          go([t, i](World& w) {
            ++w.copies;
            w.topics[t].push_back(Said(w.topics[t][i]));
          });
    if (!any || settled_down(world)) rest(world);
  }

  std::size_t states = 0;
  std::size_t ends = 0;
  /// By what payments said, the ends there were.
  std::map<std::string, std::set<std::string>> outcomes;

 private:
  /// Money may never arrive, and what needs not come again need not.
  [[nodiscard]] bool settled_down(const World& world) const {
    for (std::size_t t = 0; t < kTopics; ++t)
      if (world.read[t] < world.topics[t].size()) return false;
    return !world.noted && world.billed && world.closed == world.closes.size() &&
           !(story_.falls_due && !world.fell_due && world.order.deadline);
  }

  static void say(World& world, std::vector<Said> said) {
    for (auto& one : said)
      world.topics[kPayments].push_back(std::move(one));
  }
  void bill(World& world) const {
    world.billed = true;
    if (const auto* order = std::get_if<StockReserved>(&story_.first))
      say(world, world.till.bill(*order, story_.has_money));
  }
  void read(World& world, std::size_t topic) const {
    const auto noted = note_one(world.order, terms_, world.topics[topic][world.read[topic]++]);
    if (noted.refused) refuse(world, *noted.refused);
    world.noted = true;
  }
  static void refuse(World& world, const OrderChangeRefused& refused) {
    world.refusals.insert(' ' + refused.command + ':' + std::string(to_text(refused.reason)));
  }
  void commit(World& world) const {
    world.noted = false;
    take_in(world, advance(world.order, terms_));
  }
  void fall_due(World& world) const {
    world.fell_due = true;
    if (!world.order.known) return;  // Patience is tried elsewhere.
    const auto due = expire(world.order);
    if (due.close) world.closes.push_back(due.close->cause);
  }
  void take_in(World& world, const Progress& progress) const {
    for (const auto& step : progress.steps)
      std::visit(
          [&world]<class T>(const T& message) {
            CHECK(message.version > world.version);
            world.version = message.version;
            if (!std::same_as<T, OrderReserved>)
              world.steps.push_back(std::to_string(message.version) + std::string(T::kType));
          },
          step);
    for (const auto& refused : progress.refused)
      refuse(world, refused);
    if (progress.close) world.closes.push_back(progress.close->cause);
    world.settled += progress.settle ? 1 : 0;
    if (!progress.release) return;
    ++world.released;
    // Nothing is released before money is closed.
    CHECK(world.till.state == Till::State::closed);
  }

  void rest(const World& world) {
    ++ends;
    const auto& order = world.order;
    const bool holds = order.state == OrderState::paid;
    const bool waits = order.state == OrderState::awaiting_payment;
    const bool rejected = order.state == OrderState::rejected;
    CHECK(order.known);
    CHECK_FALSE(order.closing());
    CHECK(order.deadline.has_value() == (waits && !story_.falls_due));
    CHECK(world.version == order.version);
    CHECK(holds == (world.till.state == Till::State::captured));
    CHECK(waits == (world.till.state == Till::State::open));
    CHECK(world.released == (holds || waits || rejected ? 0 : 1));
    if (holds) CHECK(world.settled == 1);
    CHECK(world.settled <= 1);
    CHECK(order.refunded().minor == (holds ? 0 : order.paid().minor));

    std::string end;
    for (const auto& step : world.steps)
      end += step + ' ';
    for (const auto& refused : world.refusals)
      end += refused;
    end += '\n';
    for (const auto& entry : order.timeline)
      end += encode(entry);
    // What payments said first of each kind: the one race that ordering does not decide.
    std::string said;
    std::set<std::size_t> kinds;
    for (const auto& one : world.topics[kPayments])
      if (kinds.insert(one.index()).second) {
        said += std::visit([]<class T>(const T&) { return std::string(T::kType); }, one);
        if (const auto* how = std::get_if<PaymentClosed>(&one)) said += to_text(how->cause);
        said += ' ';
      }
    outcomes[said].insert(end);
  }

  const Story& story_;
  Terms terms_;
};

/// The states in which the runs of a story ended.
std::set<std::string> run(const Story& story) {
  CAPTURE(story.name);
  World world;
  world.topics[kStock] = {story.first};
  world.topics[kCommands] = story.commands;
  Runs runs(story);
  runs.explore(world);
  REQUIRE(runs.ends > 0);
  std::set<std::string> all;
  for (const auto& [said, ends] : runs.outcomes) {
    CAPTURE(said);
    std::string listed;
    for (const auto& end : ends)
      listed += end + "\n\n";
    CAPTURE(listed);
    CHECK(ends.size() == 1);
    const auto& end = *ends.begin();
    all.insert(end.substr(0, end.find('\n')));
  }
  return all;
}

using Ends = std::set<std::string>;

}  // namespace

TEST_CASE("an order with money is paid, however its facts come") {
  CHECK(run({.name = "paid", .first = reserved(1), .commands = {}, .copies = 2}) ==
        Ends{"2OrderPaid "});
}

TEST_CASE("an order without money fails, however its facts come") {
  CHECK(run({.name = "declined",
             .first = reserved(1),
             .commands = {},
             .has_money = false,
             .copies = 2}) == Ends{"2OrderPaymentFailed "});
}

TEST_CASE("cancelled before or after the money is in, or before the order is known") {
  CHECK(run({.name = "cancelled", .first = reserved(1), .commands = {cancel(1)}, .copies = 1}) ==
        Ends{"2OrderCancelled ", "2OrderPaid 3OrderCancelled "});
}

TEST_CASE("cancelled when there was no money") {
  CHECK(run({.name = "declined, cancelled",
             .first = reserved(1),
             .commands = {cancel(1)},
             .has_money = false}) ==
        Ends{"2OrderCancelled ", "2OrderPaymentFailed  CancelOrder:wrong_state"});
}

TEST_CASE("a card order waits for its money and is paid") {
  CHECK(run({.name = "card",
             .first = reserved(1, PaymentMethod::card),
             .commands = {},
             .money_arrives = true,
             .copies = 1}) == Ends{"2OrderAwaitingPayment ", "2OrderAwaitingPayment 3OrderPaid "});
}

TEST_CASE("an expiry against the money") {
  CHECK(run({.name = "expiry",
             .first = reserved(1, PaymentMethod::card),
             .commands = {},
             .money_arrives = true,
             .falls_due = true}) ==
        Ends{"2OrderAwaitingPayment 3OrderExpired ", "2OrderAwaitingPayment 3OrderPaid "});
}

TEST_CASE("an expiry against a cancellation against the money") {
  const auto ends = run({.name = "expiry, cancelled",
                         .first = reserved(1, PaymentMethod::card),
                         .commands = {cancel(1)},
                         .money_arrives = true,
                         .falls_due = true});
  CHECK(ends == Ends{"2OrderAwaitingPayment 3OrderCancelled ", "2OrderCancelled ",
                     "2OrderAwaitingPayment 3OrderExpired  CancelOrder:wrong_state",
                     "2OrderAwaitingPayment 3OrderPaid 4OrderCancelled "});
}

TEST_CASE("a rejected order stays so, and whatever is asked of it is refused") {
  CHECK(run({.name = "rejected",
             .first = sold_out(1),
             .commands = {cancel(1), refund(1)},
             .copies = 1}) ==
        Ends{"1OrderRejected  CancelOrder:wrong_state RefundOrder:wrong_state"});
}

TEST_CASE("a refund that is refused") {
  CHECK(run({.name = "refund", .first = reserved(1), .commands = {refund(1)}}) ==
        Ends{"2OrderPaid  RefundOrder:wrong_state"});
}
