// Calls out through the loop: after the commit, again where no answer came, under one key.
#include <set>

#include "cluster.hpp"
#include "gateway_model.hpp"

using namespace dropline;
using namespace dropline::payments;
using namespace dropline::payments::testing;
using namespace std::chrono_literals;

namespace {

struct Town : Cluster {
  GatewayBooks books;

  static std::string reference(std::uint32_t number) {
    return to_text(Reference{member(1), order(number)});
  }
  GatewayNoticed noticed(std::uint32_t number) const {
    GatewayNoticed out;
    out.notice = numbered<ChangeId>(7, number);
    out.member = member(1);
    out.order_id = order(number);
    out.outcome = GatewayOutcome::captured;
    return out;
  }
  std::int64_t gateway_owes() {
    return -ground.number(
        "SELECT coalesce(sum(amount), 0) FROM {entries} "
        "WHERE account = 'gateway'");
  }
  std::int64_t open_calls() {
    return ground.number("SELECT count(*) FROM {calls} WHERE due_at IS NOT NULL");
  }
};

}  // namespace

TEST_CASE("a card's notice makes a call after the commit, and its answer is a record") {
  Town town;
  StepCaller caller(town.books);
  Cluster::Process a(town, "a", caller);
  town.say(reserved(order(1), member(1), won(9'000), PaymentMethod::card), {.source = "stock/1"});
  town.run({&a});
  CHECK(town.events("PaymentOpened") == 1);
  CHECK(caller.waiting() == 0);
  town.books.pay(Town::reference(1), won(9'000));
  town.say(town.noticed(1), {.source = "ingress/a"});
  town.run({&a});
  CHECK(caller.waiting() == 1);
  CHECK(town.events("PaymentCaptured") == 0);
  caller.step_all();
  town.run({&a});
  CHECK(town.events("PaymentCaptured") == 1);
  CHECK(town.open_calls() == 0);
  CHECK(town.gateway_owes() == town.books.holds());
  const auto spoken = town.types("payments.commands");
  CHECK(std::ranges::count(spoken, "GatewayAnswered") == 1);
  check_tables(town.ground);
}

TEST_CASE("a notice that is lost costs a minute, not the sale") {
  Town town;
  StepCaller caller(town.books);
  Cluster::Process a(town, "a", caller);
  town.say(reserved(order(1), member(1), won(9'000), PaymentMethod::card), {.source = "stock/1"});
  town.run({&a});
  town.books.pay(Town::reference(1), won(9'000));
  town.clock.advance(61s);
  town.run({&a});
  caller.step_all();
  town.run({&a});
  CHECK(town.events("PaymentCaptured") == 1);
}

TEST_CASE("a call whose answer is lost is made again under its key, and has one effect") {
  Town town;
  StepCaller caller(town.books);
  Cluster::Process a(town, "a", caller);
  town.say(reserved(order(1), member(1), won(9'000), PaymentMethod::card), {.source = "stock/1"});
  town.books.pay(Town::reference(1), won(9'000));
  town.say(town.noticed(1), {.source = "ingress/a"});
  town.run({&a});
  caller.step_all();
  town.run({&a});
  town.say(refund_payment(refund_id(1), order(1), member(1), won(4'000)));
  town.run({&a});
  for (int lost = 0; lost < 3; ++lost) {
    REQUIRE(caller.step(false));
    town.run({&a});
    CHECK(town.events("PaymentRefunded") == 0);
    CHECK(town.open_calls() == 1);
    town.clock.advance(20s);
    town.run({&a});
  }
  caller.step_all();
  town.run({&a});
  CHECK(town.events("PaymentRefunded") == 1);
  CHECK(town.books.repeated == 3);
  CHECK(town.books.wrong == 0);
  CHECK(town.gateway_owes() == 5'000);
  CHECK(town.books.holds() == 5'000);
}

TEST_CASE("a process that dies with calls under way leaves them to the next owner") {
  Town town;
  StepCaller first(town.books);
  StepCaller second(town.books);
  auto a = std::make_unique<Cluster::Process>(town, "a", first);
  town.say(reserved(order(1), member(1), won(9'000), PaymentMethod::card), {.source = "stock/1"});
  town.run({a.get()});
  town.say(close_payment(order(1), member(1)));
  town.run({a.get()});
  REQUIRE(first.step(false));  // The gateway has voided it; nobody heard.
  a.reset();
  Cluster::Process b(town, "b", second);
  town.clock.advance(30s);
  town.run({&b}, 400);
  second.step_all();
  town.run({&b});
  CHECK(town.events("PaymentClosed") == 1);
  CHECK(town.books.repeated >= 1);
  // What is still open is the question that nobody prompted; it is answered in its time.
  town.clock.advance(61s);
  town.run({&b});
  second.step_all();
  town.run({&b});
  CHECK(town.open_calls() == 0);
}

TEST_CASE("an owner that was passed over may call, and writes nothing") {
  Town town;
  StepCaller stale(town.books);
  StepCaller fresh(town.books);
  Cluster::Process a(town, "a", stale);
  town.say(reserved(order(1), member(1), won(9'000), PaymentMethod::card), {.source = "stock/1"});
  town.books.pay(Town::reference(1), won(9'000));
  town.say(town.noticed(1), {.source = "ingress/a"});
  town.run({&a});
  stale.step_all();
  town.run({&a});
  town.say(close_payment(order(1), member(1)));
  town.run({&a});
  REQUIRE(stale.waiting() == 1);
  // It stops; another takes over and makes the same call; then it wakes up and makes its own.
  Cluster::Process b(town, "b", fresh);
  town.clock.advance(60s);
  town.run({&b}, 400);
  fresh.step_all();
  town.run({&b});
  stale.step_all();
  town.run({&a, &b}, 200);
  CHECK(town.events("PaymentClosed") == 1);
  CHECK(town.books.repeated >= 1);
  CHECK(town.books.wrong == 0);
  CHECK(town.gateway_owes() == 0);
  CHECK(town.books.holds() == 0);
  check_tables(town.ground);
}

TEST_CASE("while nobody may be called the rows wait, and a hold outlives its deadline") {
  Town town;
  StepCaller caller(town.books);
  Cluster::Process a(town, "a", caller);
  town.say(reserved(order(1), member(1), won(9'000), PaymentMethod::card), {.source = "stock/1"});
  town.run({&a});
  caller.open = false;
  town.say(close_payment(order(1), member(1), EndCause::expired));
  town.books.pay(Town::reference(1), won(9'000));
  town.clock.advance(1h);
  town.run({&a});
  CHECK(town.events("PaymentClosed") == 0);
  CHECK(town.open_calls() == 2);
  caller.open = true;
  town.run({&a});
  caller.step_all();
  town.run({&a});
  CHECK(town.events("PaymentCaptured") == 1);
  CHECK(town.events("PaymentClosed") == 0);
}

TEST_CASE("deposits find their order through two owners, once each") {
  Town town;
  StepCaller caller(town.books);
  Cluster::Process a(town, "a", caller);
  for (std::uint32_t n = 1; n <= 20; ++n)
    town.say(reserved(order(n), member(n), won(9'000), PaymentMethod::bank), {.source = "stock/1"});
  town.run({&a});
  std::int64_t paid = 0;
  for (std::uint32_t n = 1; n <= 20; ++n) {
    BankDeposited told;
    told.transaction = "t" + std::to_string(n);
    told.deposit = deposit_id(told.transaction);
    told.amount = won(8'998 + n % 5);  // Too little by one or two, exact, too much by one or two.
    told.payer = SealedText{"s1.shop.AAAA", {}};
    told.reference = to_text(Reference{member(n), order(n)});
    paid += told.amount.minor;
    for (const char* source : {"ingress/a", "ingress/b"})
      town.say(told, {.source = source});
  }
  town.run({&a}, 200);
  for (int i = 0; i < 10; ++i) {
    caller.step_all();
    town.run({&a});
  }
  CHECK(town.events("PaymentCaptured") == 12);
  CHECK(town.events("MoneyReturned") == 8);
  CHECK(town.books.paid_out == 4 * (1 + 2));
  CHECK(-town.ground.number("SELECT sum(amount) FROM {entries} WHERE account = 'bank'") ==
        paid - town.books.paid_out);
  CHECK(town.ground.number("SELECT coalesce(sum(amount), 0) FROM {entries} "
                           "WHERE account = 'suspense'") == 0);
  check_tables(town.ground);
}

TEST_CASE("what waits for an operator is shown page by page, also where it came at one moment") {
  Town town;
  StepCaller caller(town.books);
  Cluster::Process a(town, "a", caller);
  std::set<Uuid> told;
  for (int n = 0; n < 7; ++n) {
    BankDeposited nobodys;
    nobodys.transaction = "anonymous-" + std::to_string(n);
    nobodys.deposit = deposit_id(nobodys.transaction);
    nobodys.amount = won(1'000);
    told.insert(nobodys.deposit.uuid());
    town.say(nobodys, {.source = "ingress/a"});
  }
  town.run({&a});
  std::set<Uuid> seen;
  Behind behind{};
  for (std::size_t page = 0; page <= told.size(); ++page) {
    const auto rows = waiting_deposits(town.ground.session, behind, 2).value();
    if (rows.empty()) break;
    for (const auto& row : rows)
      CHECK(seen.insert(row.key.uuid()).second);
    behind = {rows.back().made_at, rows.back().key.uuid()};
  }
  CHECK(seen == told);
}
