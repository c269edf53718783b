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
  std::int64_t price = kPrice;

  using Answers = std::vector<Said>;

  Answers bill(const StockReserved& order, bool has_money) {
    if (state != State::unknown) return {};
    if (order.payment.method != PaymentMethod::wallet) {
      state = State::open;
      return {opened(1)};
    }
    if (has_money) {
      state = State::captured;
      return {money_in()};
    }
    state = State::closed;
    cause = EndCause::payment_failed;
    return {declined(1)};
  }
  Answers money_arrives() {
    if (state != State::open) return {};
    state = State::captured;
    return {money_in()};
  }
  [[nodiscard]] PaymentCaptured money_in() const {
    auto out = captured(1);
    out.amount = won(price);
    return out;
  }
  Answers close(EndCause asked) {
    if (state == State::captured && asked == EndCause::expired) return {money_in()};
    if (state != State::closed) {
      refunded = state == State::captured ? price : 0;
      cause = asked;
      state = State::closed;
    }
    return {closed(1, cause, refunded)};
  }
};

/// What coupons does by its contract, for one order's coupon.
struct Drawer {
  enum class State { unknown, held, declined, released };
  State state = State::unknown;
  bool redeemed = false;
};

/// What deliveries does by its contract, for one order.
struct Dock {
  enum class State { unknown, preparing, shipped, delivered, closed };
  State state = State::unknown;

  std::vector<Said> open() {
    if (state != State::unknown) return {};
    state = State::preparing;
    return {about<DeliveryPreparing>(1)};
  }
  std::vector<Said> close() {
    if (state == State::shipped) return {shipped(1)};
    if (state == State::delivered) return {delivered(1)};
    state = State::closed;
    return {about<DeliveryClosed>(1)};
  }
};

struct Story {
  std::string name;
  Said first;                  ///< stock's
  std::vector<Said> commands;  ///< in their topic's order
  bool has_money = true;
  bool money_arrives = false;      ///< by card, some time
  bool falls_due = false;          ///< some time
  int copies = 0;                  ///< records that come twice
  bool coupon_good = true;         ///< coupons' answer, where it is asked
  bool deliveries = false;         ///< it works beside
  bool ships = false;              ///< some time, if it may
  bool arrives = false;            ///< some time after
  std::vector<Said> later{};       ///< commands given once it is delivered
  std::set<std::size_t> broken{};  ///< of these refunds, those that payments refuses
};

enum Topic : std::size_t { kStock, kPayments, kCommands, kCoupons, kDeliveries, kTopics };

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
  std::vector<Ask> asks;  ///< of coupons, payments and deliveries, in the order asked
  std::size_t answered = 0;
  bool paid_told = false;    ///< deliveries has not read it yet
  bool later_given = false;  ///< the story's later commands
  std::size_t refunds = 0;   ///< that payments judged
  std::int64_t money_back = 0;
  Till till;
  Drawer drawer;
  Dock dock;

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
    if (!seen_.insert(print_of(world)).second) return;
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
    if (world.answered < world.asks.size())
      go([this](World& w) { answer(w, w.asks[w.answered++]); });
    if (world.paid_told)
      go([](World& w) {
        w.paid_told = false;
        append(w, kDeliveries, w.dock.open());
      });
    if (story_.ships && world.dock.state == Dock::State::preparing)
      go([](World& w) {
        w.dock.state = Dock::State::shipped;
        append(w, kDeliveries, {shipped(1)});
      });
    if (story_.arrives && world.dock.state == Dock::State::shipped)
      go([](World& w) {
        w.dock.state = Dock::State::delivered;
        append(w, kDeliveries, {delivered(1)});
      });
    if (!story_.later.empty() && !world.later_given && !world.noted &&
        world.order.state == OrderState::delivered)
      go([this](World& w) {
        w.later_given = true;
        append(w, kCommands, story_.later);
      });
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
  /// Two worlds alike in this go on alike.
  static std::string print_of(const World& world) {
    std::string out;
    const auto add = [&out](auto number) { out += std::to_string(number) + ','; };
    for (std::size_t t = 0; t < kTopics; ++t) {
      for (const auto& one : world.topics[t])
        add(one.index());
      add(world.read[t]);
      out += ';';
    }
    for (const auto number : {world.billed, world.arrived, world.fell_due, world.paid_told,
                              world.later_given, world.noted, world.drawer.redeemed})
      add(static_cast<int>(number));
    for (const auto number :
         {world.closes.size(), world.closed, world.asks.size(), world.answered, world.refunds})
      add(number);
    for (const auto& cause : world.closes)
      add(static_cast<int>(cause));
    for (const auto& ask : world.asks)
      add(ask.index());
    add(world.copies);
    add(static_cast<int>(world.till.state));
    add(static_cast<int>(world.till.cause));
    add(static_cast<int>(world.drawer.state));
    add(static_cast<int>(world.dock.state));
    add(world.settled);
    add(world.released);
    for (const auto& step : world.steps)
      out += step;
    for (const auto& refused : world.refusals)
      out += refused;
    const auto& order = world.order;
    for (const bool known :
         {order.known, order.expiring, order.unsettled, order.deadline.has_value(),
          order.cancellation.has_value(), order.cancellation && order.cancellation->asked,
          order.cancellation && order.cancellation->asked_goods.has_value()})
      add(static_cast<int>(known));
    out += encode(order.money) + encode(order.coupon_facts) + encode(order.goods);
    for (const auto& refund : order.refunds)
      out += refund.refund.text();
    for (const auto& refund : order.given_back)
      out += encode(refund) + (refund.fresh ? "f" : "");
    for (const auto& entry : order.timeline)
      out += encode(entry);
    return out;
  }

  /// Money may never arrive, and what needs not come again need not.
  [[nodiscard]] bool settled_down(const World& world) const {
    for (std::size_t t = 0; t < kTopics; ++t)
      if (world.read[t] < world.topics[t].size()) return false;
    if (world.answered < world.asks.size() || world.paid_told) return false;
    if (!story_.later.empty() && !world.later_given && world.order.state == OrderState::delivered)
      return false;
    return !world.noted && world.billed && world.closed == world.closes.size() &&
           !(story_.falls_due && !world.fell_due && world.order.deadline);
  }

  static void append(World& world, Topic topic, std::vector<Said> said) {
    for (auto& one : said)
      world.topics[topic].push_back(std::move(one));
  }
  static void say(World& world, std::vector<Said> said) {
    append(world, kPayments, std::move(said));
  }
  void answer(World& world, const Ask& ask) const {
    std::visit([&](const auto& asked) { answer_one(world, asked); }, Ask(ask));
  }
  void answer_one(World& world, const ReserveCoupon&) const {
    auto& state = world.drawer.state;
    const bool free = state == Drawer::State::unknown && story_.coupon_good;
    if (state == Drawer::State::unknown)
      state = free ? Drawer::State::held : Drawer::State::declined;
    append(world, kCoupons, {free ? Said(coupon_held(1)) : Said(coupon_declined(1))});
  }
  void answer_one(World& world, const RedeemCoupon&) const {
    CHECK(world.drawer.state == Drawer::State::held);
    world.drawer.redeemed = true;
  }
  void answer_one(World& world, const ReleaseCoupon&) const {
    CHECK(world.drawer.state != Drawer::State::released);
    world.drawer.state = Drawer::State::released;
  }
  void answer_one(World& world, const OpenPayment& asked) const {
    CHECK(asked.amount == won(kPrice - kOff));
    auto order = std::get<StockReserved>(story_.first);
    world.till.price = asked.amount.minor;
    say(world, world.till.bill(order, story_.has_money));
  }
  void answer_one(World& world, const CloseDelivery& asked) const {
    CHECK(asked.order_version == 0);
    append(world, kDeliveries, world.dock.close());
  }
  void answer_one(World& world, const RefundPayment& asked) const {
    const bool broken = story_.broken.contains(world.refunds++);
    if (broken) {
      auto out = about<RefundRefused>(1);
      out.refund = asked.refund;
      return say(world, {out});
    }
    world.money_back += asked.amount.minor;
    CHECK(world.money_back <= world.till.price);
    say(world, {refunded(asked)});
  }
  void bill(World& world) const {
    world.billed = true;
    if (const auto* order = std::get_if<StockReserved>(&story_.first); order && !order->coupon)
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
    const auto due = expire(world.order, kMuchLater);
    if (due.close) world.closes.push_back(due.close->cause);
  }
  void take_in(World& world, const Progress& progress) const {
    for (const auto& step : progress.steps)
      std::visit(
          [this, &world]<class T>(const T& message) {
            CHECK(message.version > world.version);
            world.version = message.version;
            if (std::same_as<T, OrderPaid>) world.paid_told = story_.deliveries;
            if (!std::same_as<T, OrderReserved>)
              world.steps.push_back(std::to_string(message.version) + std::string(T::kType));
          },
          step);
    for (const auto& refused : progress.refused)
      refuse(world, refused);
    if (progress.close) {
      // No money goes back for goods on their way.
      if (story_.deliveries) CHECK(world.dock.state == Dock::State::closed);
      world.closes.push_back(progress.close->cause);
    }
    world.asks.insert(world.asks.end(), progress.asks.begin(), progress.asks.end());
    world.settled += progress.settle ? 1 : 0;
    if (!progress.release) return;
    ++world.released;
    // Nothing is released before money is closed, or where none was ever asked for.
    CHECK(world.till.state == (*progress.release == EndCause::coupon_refused
                                   ? Till::State::unknown
                                   : Till::State::closed));
  }

  void rest(const World& world) {
    ++ends;
    const auto& order = world.order;
    const bool given_back = order.state == OrderState::refunded;
    const bool holds = given_back || order.state == OrderState::paid ||
                       order.state == OrderState::preparing || order.state == OrderState::shipped ||
                       order.state == OrderState::delivered;
    const bool waits = order.state == OrderState::awaiting_payment;
    const bool rejected = order.state == OrderState::rejected;
    CHECK(order.known);
    CHECK_FALSE(order.closing());
    CHECK(order.deadline.has_value() ==
          ((waits && !story_.falls_due) || order.state == OrderState::delivered));
    const bool has_coupon = order.coupon.has_value();
    CHECK(world.drawer.redeemed == (has_coupon && world.settled == 1));
    if (has_coupon && !holds && !waits && world.drawer.state == Drawer::State::held) CHECK(false);
    CHECK((world.drawer.state == Drawer::State::held) ==
          (has_coupon && (waits || holds) && !given_back));
    CHECK(world.version == order.version);
    CHECK(holds == (world.till.state == Till::State::captured));
    CHECK(waits == (world.till.state == Till::State::open));
    CHECK(world.released == (holds || waits || rejected ? 0 : 1));
    if (holds) CHECK(world.settled == 1);
    CHECK(world.settled <= 1);
    CHECK(order.refunded().minor == (given_back || !holds ? order.paid().minor : world.money_back));
    if (story_.deliveries && order.state == OrderState::cancelled)
      CHECK(world.dock.state == Dock::State::closed);

    std::string end;
    for (const auto& step : world.steps)
      end += step + ' ';
    for (const auto& refused : world.refusals)
      end += refused;
    end += '\n';
    for (const auto& entry : order.timeline)
      end += encode(entry);
    // What the others said first of each kind: the races that ordering does not decide.
    std::string said;
    std::set<std::size_t> kinds;
    auto heard = world.topics[kPayments];
    heard.insert(heard.end(), world.topics[kDeliveries].begin(), world.topics[kDeliveries].end());
    for (const auto& one : heard)
      if (kinds.insert(one.index()).second) {
        said += std::visit([]<class T>(const T&) { return std::string(T::kType); }, one);
        if (const auto* how = std::get_if<PaymentClosed>(&one)) said += to_text(how->cause);
        said += ' ';
      }
    // Of coupons and commands, which was read first.
    if (story_.first.index() == 0 && order.coupon) said += order.cancellation ? "asked" : "";
    if (order.coupon && order.state == OrderState::coupon_refused) said += "refused";
    // Why the second of two refunds is refused depends on whether the first is done.
    if (given_back && world.refusals.contains(" RefundOrder:wrong_state")) said += "late";
    outcomes[said].insert(end);
  }

  std::set<std::string> seen_;
  const Story& story_;
  Terms terms_ = [this] {
    Terms terms;
    terms.deliveries = story_.deliveries;
    return terms;
  }();
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

TEST_CASE("an order with a coupon pays what is left, or ends for its coupon") {
  CHECK(run({.name = "coupon", .first = reserved_with_coupon(1), .commands = {}, .copies = 1}) ==
        Ends{"2OrderPaid "});
  CHECK(run({.name = "coupon, no money",
             .first = reserved_with_coupon(1),
             .commands = {},
             .has_money = false}) == Ends{"2OrderPaymentFailed "});
  CHECK(run({.name = "coupon declined",
             .first = reserved_with_coupon(1),
             .commands = {},
             .copies = 1,
             .coupon_good = false}) == Ends{"2OrderCouponRefused "});
  CHECK(run({.name = "coupon, expiry",
             .first = reserved_with_coupon(1, PaymentMethod::card),
             .commands = {},
             .money_arrives = true,
             .falls_due = true}) ==
        Ends{"2OrderAwaitingPayment 3OrderExpired ", "2OrderAwaitingPayment 3OrderPaid "});
}

TEST_CASE("an order with a coupon is cancelled, whatever was known of the coupon") {
  CHECK(run({.name = "coupon, cancelled",
             .first = reserved_with_coupon(1),
             .commands = {cancel(1)}}) == Ends{"2OrderCancelled ", "2OrderPaid 3OrderCancelled "});
  CHECK(run({.name = "coupon declined, cancelled",
             .first = reserved_with_coupon(1),
             .commands = {cancel(1)},
             .coupon_good = false}) ==
        Ends{"2OrderCancelled ", "2OrderCouponRefused  CancelOrder:wrong_state"});
}

TEST_CASE("a paid order is shipped and arrives") {
  CHECK(run({.name = "shipped",
             .first = reserved(1),
             .commands = {},
             .copies = 1,
             .deliveries = true,
             .ships = true,
             .arrives = true}) ==
        Ends{"2OrderPaid 3OrderPreparing ", "2OrderPaid 3OrderPreparing 4OrderShipped ",
             "2OrderPaid 3OrderPreparing 4OrderShipped 5OrderDelivered "});
}

TEST_CASE("a cancellation against the shipping: exactly one of them wins") {
  CHECK(run({.name = "cancelled, shipped",
             .first = reserved(1),
             .commands = {cancel(1)},
             .deliveries = true,
             .ships = true}) ==
        Ends{"2OrderCancelled ", "2OrderPaid 3OrderCancelled ",
             "2OrderPaid 3OrderPreparing 4OrderCancelled ",
             "2OrderPaid 3OrderPreparing 4OrderShipped  CancelOrder:already_shipped"});
}

TEST_CASE("a card order with a coupon, cancelled while its money comes in and its goods leave") {
  const auto ends = run({.name = "card, coupon, cancelled, shipped",
                         .first = reserved_with_coupon(1, PaymentMethod::card),
                         .commands = {cancel(1)},
                         .money_arrives = true,
                         .deliveries = true,
                         .ships = true});
  CHECK(ends == Ends{"2OrderAwaitingPayment 3OrderCancelled ", "2OrderCancelled ",
                     "2OrderAwaitingPayment 3OrderPaid 4OrderCancelled ",
                     "2OrderAwaitingPayment 3OrderPaid 4OrderPreparing 5OrderCancelled ",
                     "2OrderAwaitingPayment 3OrderPaid 4OrderPreparing 5OrderShipped  "
                     "CancelOrder:already_shipped"});
}

TEST_CASE("two refunds of one unit: one is made") {
  CHECK(run({.name = "refunds",
             .first = reserved_with_coupon(1),
             .commands = {},
             .deliveries = true,
             .ships = true,
             .arrives = true,
             .later = {refund(1, 1), refund(1, 2)}}) ==
        Ends{"2OrderPaid 3OrderPreparing ", "2OrderPaid 3OrderPreparing 4OrderShipped ",
             "2OrderPaid 3OrderPreparing 4OrderShipped 5OrderDelivered 6OrderRefunded  "
             "RefundOrder:already_asked",
             "2OrderPaid 3OrderPreparing 4OrderShipped 5OrderDelivered 6OrderRefunded  "
             "RefundOrder:wrong_state"});
}
