// Money by card and bank, by the rules alone.
#include "scene.hpp"

using namespace dropline;
using namespace dropline::payments;
using namespace dropline::payments::testing;

namespace {

const auto kCard = PaymentMethod::card;
const auto kBank = PaymentMethod::bank;

SealedText sealed(std::string text) {
  return {"s1.shop." + std::move(text), {}};
}

struct Asking : Desk {
  Asking() {
    terms.asks = true;
    terms.deposit_to = BankAccount{"Hana", "110-1", "Dropline"};
  }
  ~Asking() { check_ledger(book); }

  /// The one errand that was wanted since the last call.
  Errand errand() {
    REQUIRE(book.errands.size() == 1);
    auto out = book.errands.front().second;
    REQUIRE(book.errands.front().first == moment.shard);
    book.errands.clear();
    return out;
  }
  std::string answer(const Errand& errand, GatewayOutcome outcome,
                     std::optional<Money> amount = std::nullopt) {
    GatewayAnswered out;
    out.call = errand.call;
    out.member = errand.owner;
    out.order_id = errand.order;
    out.charge = errand.charge;
    out.money_return = errand.money_return;
    out.outcome = outcome;
    out.amount = amount;
    return (*this)(out);
  }
  [[nodiscard]] std::int64_t total(AccountName account) const {
    std::int64_t sum = 0;
    for (const auto& entry : book.entries)
      if (entry.account == account) sum += entry.amount.minor;
    return sum;
  }
  /// Opened and captured.
  void pay_by_card(std::uint32_t number, std::int64_t amount) {
    REQUIRE((*this)(reserved(order(number), member(1), won(amount), kCard)) ==
            "opened " + std::to_string(amount));
    REQUIRE(answer(errand(), GatewayOutcome::captured, won(amount)) ==
            "captured " + std::to_string(amount));
  }
  std::string bank_pays(std::uint32_t number, const std::string& transaction, std::int64_t amount,
                        bool with_payer = true) {
    BankDeposited told;
    told.transaction = transaction;
    told.deposit = deposit_id(transaction);
    told.amount = won(amount);
    told.reference = "drop " + to_text(Reference{member(1), order(number)});
    if (with_payer) told.payer = sealed("payer");
    return (*this)(told);
  }
  /// Brings an offer to the order and its answer back.
  std::string carry(const std::string& transaction) {
    const auto& row = book.deposits.at(deposit_id(transaction));
    CreditDeposit offer;
    offer.deposit = row.key;
    offer.attempt = row.attempt;
    offer.member = *row.member;
    offer.order_id = row.order;
    offer.charge = row.charge;
    offer.amount = row.rest();
    offer.payer = row.payer;
    const auto answers = credit(book, terms, offer, next());
    auto all = word(answers);
    REQUIRE(word(credit(book, terms, offer, next())) == word(Answers{answers.back()}));
    const auto taken_word = (*this)(std::get<DepositTaken>(answers.back()));
    if (taken_word != "nothing") all += ", " + taken_word;
    return all;
  }
};

}  // namespace

TEST_CASE("an opened card shows the reference, an opened transfer the account too") {
  Asking desk;
  const auto card = std::get<PaymentOpened>(
      open(desk.book, desk.terms, reserved(order(1), member(1), won(9'000), kCard), desk.next()));
  CHECK(card.reference == "order." + member(1).text() + '.' + order(1).text());
  CHECK_FALSE(card.deposit_to.has_value());
  const auto ask = desk.errand();
  CHECK(ask.kind == ErrandKind::ask);
  CHECK(ask.due == desk.moment.at + desk.terms.ask_after);
  const auto bank = std::get<PaymentOpened>(
      open(desk.book, desk.terms, reserved(order(2), member(1), won(9'000), kBank), desk.next()));
  CHECK(bank.deposit_to == desk.terms.deposit_to);
  CHECK(desk.book.errands.empty());
}

TEST_CASE("a notice moves nothing: the gateway is asked, and its amount is compared") {
  Asking desk;
  CHECK(desk(reserved(order(1), member(1), won(9'000), kCard)) == "opened 9000");
  static_cast<void>(desk.errand());
  GatewayNoticed told;
  told.member = member(1);
  told.order_id = order(1);
  told.outcome = GatewayOutcome::captured;
  told.amount = won(9'000);
  CHECK(desk(told) == "nothing");
  const auto ask = desk.errand();
  CHECK(ask.kind == ErrandKind::ask);
  CHECK(ask.due == desk.moment.at);
  CHECK(desk.book.entries.empty());
  CHECK(desk.answer(ask, GatewayOutcome::captured, won(9'000)) == "captured 9000");
  CHECK(desk.answer(ask, GatewayOutcome::captured, won(9'000)) == "nothing");
  CHECK(desk(told) == "nothing");
  CHECK(desk.book.errands.empty());
  CHECK(desk.total(AccountName::gateway) == -9'000);
  CHECK(desk.total(AccountName::held) == 9'000);
}

TEST_CASE("another amount or currency is declined and goes back") {
  for (const auto& took : {won(8'999), won(9'001), usd(9'000)}) {
    CAPTURE(took.minor);
    Asking desk;
    CHECK(desk(reserved(order(1), member(1), won(9'000), kCard)) == "opened 9000");
    CHECK(desk.answer(desk.errand(), GatewayOutcome::captured, took) == "declined wrong_amount");
    const auto refund = desk.errand();
    CHECK(refund.kind == ErrandKind::refund);
    CHECK(refund.amount == took);
    CHECK(desk.answer(refund, GatewayOutcome::refunded, took) ==
          "returned " + std::to_string(took.minor) + " wrong_amount");
    CHECK(desk.answer(refund, GatewayOutcome::refunded, took) == "nothing");
    CHECK(desk.total(AccountName::gateway) == 0);
    CHECK(desk(close_payment(order(1), member(1))) == "closed payment_failed 0");
  }
}

TEST_CASE("a card is closed when the gateway has said that nothing will come") {
  for (const auto cause : {EndCause::cancelled, EndCause::expired}) {
    Asking desk;
    CHECK(desk(reserved(order(1), member(1), won(9'000), kCard)) == "opened 9000");
    static_cast<void>(desk.errand());
    CHECK(desk(close_payment(order(1), member(1), cause)) == "nothing");
    const auto cancel = desk.errand();
    CHECK(cancel.kind == ErrandKind::cancel);
    CHECK(desk(close_payment(order(1), member(1), cause)) == "nothing");
    CHECK(desk.book.errands.empty());
    CHECK(desk.answer(cancel, GatewayOutcome::unknown) == "nothing");
    CHECK(desk.answer(cancel, GatewayOutcome::voided) ==
          "closed " + std::string(to_text(cause)) + " 0");
    CHECK(desk(close_payment(order(1), member(1), cause)) ==
          "closed " + std::string(to_text(cause)) + " 0");
  }
}

TEST_CASE("an expiry that finds the money leaves the order paid, a cancellation gives it back") {
  Asking desk;
  CHECK(desk(reserved(order(1), member(1), won(9'000), kCard)) == "opened 9000");
  static_cast<void>(desk.errand());
  CHECK(desk(close_payment(order(1), member(1), EndCause::expired)) == "nothing");
  auto cancel = desk.errand();
  CHECK(desk.answer(cancel, GatewayOutcome::captured, won(9'000)) == "captured 9000");
  CHECK(desk.book.errands.empty());
  CHECK(desk.payment(order(1), member(1)).held() == won(9'000));

  CHECK(desk(reserved(order(2), member(1), won(5'000), kCard)) == "opened 5000");
  static_cast<void>(desk.errand());
  CHECK(desk(close_payment(order(2), member(1), EndCause::expired)) == "nothing");
  cancel = desk.errand();
  CHECK(desk(close_payment(order(2), member(1), EndCause::cancelled)) == "nothing");
  CHECK(desk.answer(cancel, GatewayOutcome::captured, won(5'000)) == "captured 5000");
  const auto refund = desk.errand();
  CHECK(refund.kind == ErrandKind::refund);
  CHECK(desk.answer(refund, GatewayOutcome::refunded, won(5'000)) == "closed cancelled 5000");
  CHECK(desk.total(AccountName::gateway) == -9'000);
}

TEST_CASE("what comes after closing goes back by itself, once") {
  Asking desk;
  CHECK(desk(reserved(order(1), member(1), won(9'000), kCard)) == "opened 9000");
  static_cast<void>(desk.errand());
  CHECK(desk(close_payment(order(1), member(1))) == "nothing");
  CHECK(desk.answer(desk.errand(), GatewayOutcome::voided) == "closed cancelled 0");
  GatewayNoticed told;
  told.member = member(1);
  told.order_id = order(1);
  told.outcome = GatewayOutcome::captured;
  CHECK(desk(told) == "nothing");
  const auto ask = desk.errand();
  CHECK(desk.answer(ask, GatewayOutcome::captured, won(9'000)) == "nothing");
  const auto refund = desk.errand();
  CHECK(desk.answer(ask, GatewayOutcome::captured, won(9'000)) == "nothing");
  CHECK(desk.book.errands.empty());
  CHECK(desk.answer(refund, GatewayOutcome::refunded, won(9'000)) == "returned 9000 late");
  CHECK(desk.total(AccountName::gateway) == 0);
}

TEST_CASE("a card is refunded in parts, each told when the gateway has done it") {
  Asking desk;
  desk.pay_by_card(1, 9'000);
  CHECK(desk(refund_payment(refund_id(1), order(1), member(1), won(4'000))) == "nothing");
  const auto first = desk.errand();
  CHECK(desk(refund_payment(refund_id(2), order(1), member(1), won(5'001))) ==
        "refused more_than_captured");
  CHECK(desk(refund_payment(refund_id(3), order(1), member(1), won(5'000))) == "nothing");
  const auto second = desk.errand();
  CHECK(desk(refund_payment(refund_id(3), order(1), member(1), won(5'000))) == "nothing");
  CHECK(desk.book.errands.empty());
  CHECK(desk.answer(second, GatewayOutcome::refunded) == "refunded 5000 of 5000");
  CHECK(desk.answer(first, GatewayOutcome::refunded) == "refunded 4000 of 9000 whole");
  CHECK(desk.total(AccountName::held) == 0);
  CHECK(desk.total(AccountName::gateway) == 0);
}

TEST_CASE("a closing waits for refunds under way, and refuses new ones") {
  Asking desk;
  desk.pay_by_card(1, 9'000);
  CHECK(desk(refund_payment(refund_id(1), order(1), member(1), won(4'000))) == "nothing");
  const auto part = desk.errand();
  CHECK(desk(close_payment(order(1), member(1))) == "nothing");
  const auto rest = desk.errand();
  CHECK(rest.amount == won(5'000));
  CHECK(desk(refund_payment(refund_id(2), order(1), member(1), won(1))) == "refused closed");
  CHECK(desk.answer(rest, GatewayOutcome::refunded) == "nothing");
  CHECK(desk.answer(part, GatewayOutcome::refunded) ==
        "refunded 4000 of 9000 whole, closed cancelled 9000");
}

TEST_CASE("what the gateway refuses to give back waits for an account") {
  Asking desk;
  desk.pay_by_card(1, 9'000);
  CHECK(desk(close_payment(order(1), member(1))) == "nothing");
  const auto refund = desk.errand();
  CHECK(desk.answer(refund, GatewayOutcome::refused) ==
        "closed cancelled 9000, returned 9000 closed waits");
  CHECK(desk.total(AccountName::returning) == 9'000);
  SendReturn word;
  word.money_return = *refund.money_return;
  word.member = member(1);
  word.account = sealed("theirs");
  word.actor = {ActorKind::admin, "kim"};
  word.reason = "card expired";
  CHECK(desk(word) == "nothing");
  const auto payout = desk.errand();
  CHECK(payout.kind == ErrandKind::payout);
  CHECK(payout.call != refund.call);
  CHECK(payout.account == word.account);
  CHECK(desk(word) == "nothing");
  CHECK(desk.book.errands.empty());
  CHECK(desk.answer(payout, GatewayOutcome::refunded) == "returned 9000 closed");
  CHECK(desk.total(AccountName::bank) == 9'000);
  CHECK(desk.total(AccountName::gateway) == -9'000);
}

TEST_CASE("a wallet is filled by what the gateway says, not by what a notice says") {
  Asking desk;
  CHECK(desk(charge_wallet(charge(1), member(1), won(20'000))) == "nothing");
  GatewayNoticed told;
  told.member = member(1);
  told.charge = charge(1);
  told.outcome = GatewayOutcome::captured;
  told.amount = won(20'000);
  CHECK(desk(told) == "nothing");
  CHECK(desk.balance(member(1)) == 0);
  CHECK(desk.answer(desk.errand(), GatewayOutcome::captured, won(20'000)) ==
        "charged 20000 to 20000");
  CHECK(desk(charge_wallet(charge(2), member(1), won(20'000))) == "nothing");
  told.charge = charge(2);
  CHECK(desk(told) == "nothing");
  CHECK(desk.answer(desk.errand(), GatewayOutcome::captured, won(2'000)) ==
        "charge declined wrong_amount");
  CHECK(desk.answer(desk.errand(), GatewayOutcome::refunded) == "returned 2000 wrong_amount");
  CHECK(desk.balance(member(1)) == 20'000);
}

TEST_CASE("a transfer pays exactly, in parts, and its surplus goes back") {
  Asking desk;
  CHECK(desk(reserved(order(1), member(1), won(9'000), kBank)) == "opened 9000");
  CHECK(desk.bank_pays(1, "t1", 4'000) == "offered 4000");
  CHECK(desk.bank_pays(1, "t1", 4'000) == "nothing");
  CHECK(desk.carry("t1") == "took 4000 of 4000");
  CHECK(desk.total(AccountName::partial) == 4'000);
  CHECK(desk.bank_pays(1, "t2", 6'000) == "offered 6000");
  CHECK(desk.carry("t2") == "captured 9000, took 5000 of 6000 too_much");
  const auto payout = desk.errand();
  CHECK(payout.kind == ErrandKind::payout);
  CHECK(payout.amount == won(1'000));
  CHECK(desk.answer(payout, GatewayOutcome::refunded) == "returned 1000 surplus");
  CHECK(desk.bank_pays(1, "t3", 9'000) == "offered 9000");
  CHECK(desk.carry("t3") == "took 0 of 9000 too_much");
  CHECK(desk.answer(desk.errand(), GatewayOutcome::refunded) == "returned 9000 surplus");
  CHECK(desk.total(AccountName::bank) == -9'000);
  CHECK(desk.total(AccountName::held) == 9'000);
  CHECK(desk.total(AccountName::suspense) == 0);
}

TEST_CASE("a transfer that comes late goes back, or waits where nobody knows where to") {
  Asking desk;
  CHECK(desk(reserved(order(1), member(1), won(9'000), kBank)) == "opened 9000");
  CHECK(desk.bank_pays(1, "t1", 4'000) == "offered 4000");
  CHECK(desk.carry("t1") == "took 4000 of 4000");
  CHECK(desk(close_payment(order(1), member(1), EndCause::expired)) == "closed expired 0");
  CHECK(desk.answer(desk.errand(), GatewayOutcome::refunded) == "returned 4000 incomplete");
  CHECK(desk.bank_pays(1, "t2", 5'000) == "offered 5000");
  CHECK(desk.carry("t2") == "took 0 of 5000 closed");
  CHECK(desk.answer(desk.errand(), GatewayOutcome::refunded) == "returned 5000 late");
  CHECK(desk.bank_pays(1, "t3", 6'000, false) == "offered 6000");
  CHECK(desk.carry("t3") == "took 0 of 6000 closed");
  CHECK(desk.book.errands.empty());
  CHECK(desk.book.deposits.at(deposit_id("t3")).state == DepositState::waits);
  CHECK(desk.total(AccountName::suspense) == 6'000);
  CHECK(desk.total(AccountName::bank) == -6'000);
}

TEST_CASE("what names nobody waits; an operator assigns it, or returns it") {
  Asking desk;
  CHECK(desk(reserved(order(1), member(1), won(9'000), kBank)) == "opened 9000");
  BankDeposited told;
  told.transaction = "t1";
  told.deposit = deposit_id("t1");
  told.amount = won(9'000);
  told.reference = "from auntie";
  CHECK(desk(told) == "nothing");
  AssignDeposit assign_it;
  assign_it.deposit = told.deposit;
  assign_it.member = member(1);
  assign_it.order_id = order(2);
  assign_it.actor = {ActorKind::admin, "kim"};
  assign_it.reason = "called us";
  CHECK(desk(assign_it) == "offered 9000");
  CHECK(desk(assign_it) == "nothing");
  CHECK(desk.carry("t1") == "took 0 of 9000 unknown_order");
  assign_it.order_id = order(1);
  CHECK(desk(assign_it) == "offered 9000");
  CHECK(desk.carry("t1") == "captured 9000, took 9000 of 9000");
  CHECK(desk(assign_it) == "nothing");

  told.transaction = "t2";
  told.deposit = deposit_id("t2");
  CHECK(desk(told) == "nothing");
  ReturnDeposit back;
  back.deposit = told.deposit;
  back.actor = assign_it.actor;
  back.reason = "nobody's";
  CHECK(desk(back) == "nothing");
  CHECK(desk.book.errands.empty());
  back.account = sealed("auntie");
  CHECK(desk(back) == "nothing");
  const auto payout = desk.errand();
  CHECK(payout.owner == MemberId(told.deposit.uuid()));
  CHECK(desk(back) == "nothing");
  CHECK(desk.answer(payout, GatewayOutcome::refunded) == "nothing");
  CHECK(desk.book.returns.size() == 1);
  CHECK(desk.book.returns.begin()->second.state == ReturnState::done);
  CHECK(desk.total(AccountName::bank) == -9'000);
}

TEST_CASE("a transfer is refunded to the account that its payer gave") {
  Asking desk;
  CHECK(desk(reserved(order(1), member(1), won(9'000), kBank)) == "opened 9000");
  CHECK(desk.bank_pays(1, "t1", 9'000, false) == "offered 9000");
  CHECK(desk.carry("t1") == "captured 9000, took 9000 of 9000");
  auto part = refund_payment(refund_id(1), order(1), member(1), won(2'000));
  CHECK(desk(part) == "refunded 2000 of 2000, returned 2000 refund waits");
  part.refund = refund_id(2);
  part.account = sealed("mine");
  CHECK(desk(part) == "refunded 2000 of 4000");
  CHECK(desk.errand().account == part.account);
  CHECK(desk(close_payment(order(1), member(1))) == "closed cancelled 9000");
  const auto rest = desk.errand();
  CHECK(rest.amount == won(5'000));
  CHECK(rest.account == part.account);
}

TEST_CASE("a deposit fills a wallet with what was asked for, or with nothing") {
  Asking desk;
  auto wish = charge_wallet(charge(1), member(1), won(20'000));
  wish.method = ChargeMethod::deposit;
  CHECK(desk(wish) == "nothing");
  BankDeposited told;
  told.transaction = "t1";
  told.deposit = deposit_id("t1");
  told.amount = won(19'000);
  told.payer = sealed("mine");
  told.reference = to_text(Reference{member(1), charge(1)});
  CHECK(desk(told) == "offered 19000");
  CHECK(desk.carry("t1") == "took 0 of 19000 wrong_amount");
  CHECK(desk.errand().kind == ErrandKind::payout);
  told.transaction = "t2";
  told.deposit = deposit_id("t2");
  told.amount = won(20'000);
  CHECK(desk(told) == "offered 20000");
  CHECK(desk.carry("t2") == "charged 20000 to 20000, took 20000 of 20000");
}

TEST_CASE("references are found in what people type") {
  const Reference of{member(1), order(2)};
  const auto text = to_text(of);
  CHECK(parse_reference(text) == of);
  CHECK_FALSE(parse_reference(text + " ").has_value());
  std::string loud = "For the T-shirt, " + text + " thanks";
  for (auto& letter : loud)
    letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  CHECK(find_reference(loud) == of);
  CHECK_FALSE(find_reference("order.order.order." + text.substr(0, 60)).has_value());
  CHECK(find_reference("order." + text) == of);
}
