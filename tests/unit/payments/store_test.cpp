#include <algorithm>

#include "dropline/payments/payments_queries.hpp"
#include "dropline/payments/payments_store.hpp"
#include "dropline/store/errors.hpp"
#include "dropline/store/transaction.hpp"
#include "place.hpp"
#include "traffic.hpp"

using namespace dropline::payments::testing;
using namespace dropline;
using namespace dropline::payments;

namespace {

/// Counts the statements of a transaction.
class Counting final : public store::Faults {
 public:
  Status at(store::Seam seam, std::string_view) override {
    if (seam == store::Seam::statement) ++statements;
    return {};
  }
  int statements = 0;
};

Wanted wanted_for(std::span<const AnyMessage> batch) {
  Wanted wanted;
  for (const auto& any : batch)
    std::visit(
        [&wanted]<class T>(const T& message) {
          wanted.wallets.push_back(message.member);
          if constexpr (std::same_as<T, ChargeWallet>)
            wanted.charges.push_back({message.charge, message.member});
          else if constexpr (std::same_as<T, GatewayAnswered>)
            wanted.charges.push_back({*message.charge, message.member});
          else
            wanted.payments.push_back({message.order_id, message.member});
          if constexpr (std::same_as<T, RefundPayment>)
            wanted.refunds.push_back({message.refund, message.member});
        },
        any);
  return wanted;
}

/// Applies a batch as the worker does. The desk's own book stays the whole truth beside it.
std::vector<std::string> apply(store::Session& session, const Desk& desk,
                               std::span<const AnyMessage> batch) {
  auto transaction = store::Transaction::begin(session);
  REQUIRE(transaction.has_value());
  auto book = load(session, wanted_for(batch));
  REQUIRE(book.has_value());
  Desk stored{std::move(*book), desk.terms, desk.moment};
  std::vector<std::string> words;
  for (const auto& message : batch)
    words.push_back(std::visit(stored, message));
  const auto saved = save(session, stored.book);
  REQUIRE_MESSAGE(saved.has_value(), (saved ? "" : saved.error().text()));
  REQUIRE(transaction->commit().has_value());
  return words;
}

Status change(Ground& ground, std::string_view sql) {
  auto done = store::change(ground.session, {"hand", "payments", sql}, {});
  if (!done) return done.error();
  return {};
}

}  // namespace

TEST_CASE("batches through the tables decide as one book in memory does") {
  ManualClock clock;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    Ground ground(clock);
    SeededRandom random(seed);
    const Traffic traffic(seed);
    Desk memory;
    const std::span<const AnyMessage> all(traffic.all);
    for (std::size_t at = 0; at < all.size();) {
      const auto batch = all.subspan(at, std::min(all.size() - at, 1 + random.below(9)));
      const auto words = apply(ground.session, memory, batch);
      for (std::size_t i = 0; i < batch.size(); ++i)
        REQUIRE(words[i] == std::visit(memory, batch[i]));
      at += batch.size();
    }
    for (const auto& [who, wallet] : memory.book.wallets) {
      const auto stored = find_wallet(ground.session, who).value();
      REQUIRE(stored.has_value());
      CHECK(stored->balance == wallet.balance);
      CHECK(stored->charged == wallet.charged);
      CHECK(stored->transfers == wallet.transfers);
      CHECK(stored->at == wallet.at);
    }
    for (const auto& [key, payment] : memory.book.payments) {
      const auto stored = find_payment(ground.session, key.order, key.member).value();
      REQUIRE(stored.has_value());
      CHECK(stored->state == payment.state);
      CHECK(stored->method == payment.method);
      CHECK(stored->amount == payment.amount);
      CHECK(stored->captured == payment.captured);
      CHECK(stored->refunded == payment.refunded);
      CHECK(stored->cause == payment.cause);
      CHECK(stored->declined == payment.declined);
      CHECK(stored->opened_at == payment.opened_at);
      CHECK(stored->captured_at == payment.captured_at);
      CHECK(stored->at == payment.at);
    }
    for (const auto& [key, known] : memory.book.charges) {
      const auto stored = find_charge(ground.session, key.charge, key.member).value();
      REQUIRE(stored.has_value());
      CHECK(stored->state == known.state);
      CHECK(stored->method == known.method);
      CHECK(stored->amount == known.amount);
      CHECK(stored->declined == known.declined);
    }
    const auto sum = [&ground](const std::string& sql) { return ground.number(sql); };
    CHECK(sum("SELECT count(*) FROM {entries}") ==
          static_cast<std::int64_t>(memory.book.entries.size()));
    CHECK(sum("SELECT count(*) FROM {refunds}") ==
          static_cast<std::int64_t>(memory.book.refunds.size()));
    check_tables(ground);
  }
}

TEST_CASE("a batch costs a fixed number of statements, whatever its size") {
  ManualClock clock;
  Ground ground(clock);
  Counting counting;
  auto session = ground.place->database().open({.faults = &counting}).value();
  const Desk desk;
  std::vector<AnyMessage> charges;
  std::vector<AnyMessage> orders;
  for (std::uint32_t i = 0; i < 500; ++i) {
    charges.emplace_back(gateway_took(charge(i), member(i), won(5'000)));
    orders.emplace_back(reserved(order(i), member(i), won(4'000)));
  }
  apply(session, desk, charges);
  const auto before = counting.statements;
  apply(session, desk, orders);
  const auto many = counting.statements - before;
  CHECK(many <= 6);  // Wallets and payments are read and written, entries and totals written.
  CHECK(ground.number("SELECT count(*) FROM {payments} WHERE state = 'captured'") == 500);
}

TEST_CASE("a wallet's page shows its entries, newest first, and goes on where it ended") {
  ManualClock clock;
  Ground ground(clock);
  const Desk desk;
  std::vector<AnyMessage> batch;
  for (std::uint32_t i = 1; i <= 5; ++i)
    batch.emplace_back(gateway_took(charge(i), member(1), won(1'000 * i)));
  batch.emplace_back(gateway_took(charge(9), member(2), won(9'000)));
  batch.emplace_back(reserved(order(1), member(1), won(12'000)));
  apply(ground.session, desk, batch);
  const auto first = wallet_page(ground.session, member(1), std::nullopt, 4).value();
  REQUIRE(first.size() == 4);
  CHECK(first[0].kind == TransferKind::capture);
  CHECK(first[0].reference == order(1).uuid());
  CHECK(first[0].amount == won(-12'000));
  CHECK(first[0].balance == 3'000);
  CHECK(first[1].amount == won(5'000));
  const auto rest = wallet_page(ground.session, member(1), first.back().transfer, 4).value();
  REQUIRE(rest.size() == 2);
  CHECK(rest[1].transfer == 1);
  CHECK(wallet_page(ground.session, member(1), 1, 4).value().empty());
  CHECK(wallet_page(ground.session, member(1), std::nullopt, 0).value().size() == 1);
  CHECK(wallet_page(ground.session, member(3), std::nullopt, 4).value().empty());
  CHECK_FALSE(find_wallet(ground.session, member(3)).value().has_value());
  CHECK_FALSE(find_payment(ground.session, order(1), member(2)).value().has_value());
  CHECK_FALSE(find_charge(ground.session, charge(1), member(2)).value().has_value());
}

TEST_CASE("the tables themselves refuse what the rules would never write") {
  ManualClock clock;
  Ground ground(clock);
  Desk desk;
  desk(gateway_took(charge(1), member(1), won(5'000)));
  REQUIRE(save(ground.session, desk.book).has_value());
  SUBCASE("an entry a second time") {
    const auto again = save(ground.session, desk.book);
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error().code == make_error_code(store::Errc::constraint));
  }
  SUBCASE("a wallet below zero") {
    CHECK_FALSE(change(ground, "UPDATE {wallets} SET balance = -1").has_value());
  }
  SUBCASE("more refunded than captured") {
    desk(reserved(order(1), member(1), won(5'000)));
    Book rows;
    rows.payments = desk.book.payments;
    rows.payments_changed = desk.book.payments_changed;
    REQUIRE(save(ground.session, rows).has_value());
    CHECK_FALSE(change(ground, "UPDATE {payments} SET refunded = 5001").has_value());
  }
}
