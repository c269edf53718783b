#include "money_verdict.hpp"

#include <algorithm>
#include <set>

#include "dropline/contracts/payments_commands.hpp"
#include "dropline/contracts/payments_events.hpp"
#include "dropline/contracts/stock_events.hpp"
#include "dropline/store/table.hpp"
#include "loop_verdict.hpp"
#include "terms.hpp"

namespace dropline::simulation {

using namespace contracts;  // NOLINT: messages are all this file is about

namespace {

using store::Type;

struct EntryRow {
  MemberId member;
  std::string account;
  std::int64_t transfer = 0;
  std::string kind;
  Uuid reference;
  std::int64_t amount = 0;
  std::optional<std::int64_t> balance;
  std::int64_t shard = 0;
};
struct PaymentRow {
  MemberId member;
  std::string method;
  std::string state;
  std::int64_t amount = 0;
  std::int64_t captured = 0;
  std::int64_t refunded = 0;
  std::string declined;
};

class MoneyJudge final {
 public:
  MoneyJudge(Findings& out, const LogCopy& log, store::Session& session, const CommandKeys& keys)
      : out_(out), log_(log), session_(session), keys_(keys) {
    load_entries();
    load_payments();
    find_due();
  }

  std::map<Place, std::string> pass() {
    find_bad<OpenPayment, ClosePayment, RefundPayment, ChargeWallet, GatewayAnswered>(
        bad_, log_, topic::kPaymentsCommands, true, keys_);
    find_bad<StockReserved>(bad_, log_, topic::kStockEvents, false, keys_);
    find_contradictions();
    check_ledger();
    check_wallets();
    check_totals();
    check_payments();
    check_charges();
    check_order_of_transfers();
    check_answers();
    return std::move(bad_);
  }

 private:
  void load_entries() {
    const auto rows = store::query(
        session_,
        {"entries", "payments",
         "SELECT member, account, transfer, kind, reference, amount, balance, shard FROM {entries} "
         "ORDER BY member, transfer, account"},
        {},
        {Type::uuid, Type::text, Type::int64, Type::text, Type::uuid, Type::int64, Type::int64,
         Type::int64});
    if (!rows) return out_.blame("the ledger cannot be read: " + rows.error().text());
    for (const auto row : *rows)
      entries_.push_back({row.id<MemberId>(0), std::string(row.text(1)), row.int64(2),
                          std::string(row.text(3)), row.uuid(4), row.int64(5),
                          row.is_null(6) ? std::nullopt : std::optional(row.int64(6)),
                          row.int64(7)});
  }
  void load_payments() {
    const auto rows = store::query(
        session_,
        {"payments", "payments",
         "SELECT order_id, member, method, state, amount, captured, refunded, declined "
         "FROM {payments}"},
        {},
        {Type::uuid, Type::uuid, Type::text, Type::text, Type::int64, Type::int64, Type::int64,
         Type::text});
    if (!rows) return out_.blame("the payments cannot be read: " + rows.error().text());
    for (const auto row : *rows)
      payments_[{row.id<OrderId>(0), row.id<MemberId>(1)}] = {
          row.id<MemberId>(1),
          row.is_null(2) ? "" : std::string(row.text(2)),
          std::string(row.text(3)),
          row.int64(4),
          row.int64(5),
          row.int64(6),
          row.is_null(7) ? "" : std::string(row.text(7))};
    const auto refunds = store::query(
        session_, {"refunds", "payments", "SELECT refund, member, order_id FROM {refunds}"}, {},
        {Type::uuid, Type::uuid, Type::uuid});
    if (!refunds) return out_.blame("the refunds cannot be read: " + refunds.error().text());
    for (const auto row : *refunds)
      refunds_.emplace(std::pair(row.uuid(0), row.id<MemberId>(1)), row.id<OrderId>(2));
  }

  /// What an order without a coupon costs, and what is left to pay of one with it.
  void find_due() {
    log_.each(topic::kStockEvents, StockReserved::kType,
              [&](const stream::Record&, const Envelope& envelope) {
                const auto fact = decode<StockReserved>(envelope);
                if (fact && !fact->coupon) due_[{fact->order_id, fact->member}] = fact->total.minor;
              });
    log_.each(topic::kPaymentsCommands, OpenPayment::kType,
              [&](const stream::Record&, const Envelope& envelope) {
                if (const auto asked = decode<OpenPayment>(envelope))
                  due_[{asked->order_id, asked->member}] = asked->amount.minor;
              });
  }

  /// What the contract allows and payments cannot use: set aside too.
  void find_contradictions() {
    log_.for_all(topic::kPaymentsCommands, [this](const stream::Record& record) {
      const Place place{std::string(topic::kPaymentsCommands), record.partition, record.offset};
      const auto envelope = parse_envelope(record);
      if (!envelope || envelope->type != GatewayAnswered::kType || bad_.contains(place)) return;
      const auto answer = decode<GatewayAnswered>(*envelope);
      if (!answer) return;
      if (answer->outcome == GatewayOutcome::captured && !answer->amount)
        bad_.emplace(place, "contradiction");
      else if (answer->order_id)
        bad_.emplace(place, "no_gateway");
    });
  }

  void check_ledger() {
    std::map<std::pair<MemberId, std::int64_t>, std::int64_t> sums;
    std::map<std::tuple<MemberId, std::string, Uuid>, std::set<std::int64_t>> made;
    for (const auto& entry : entries_) {
      sums[{entry.member, entry.transfer}] += entry.amount;
      made[{entry.member, entry.kind, entry.reference}].insert(entry.transfer);
    }
    for (const auto& [transfer, sum] : sums)
      out_.equal_number(sum, 0, "transfer " + std::to_string(transfer.second) + " sums to");
    for (const auto& [what, transfers] : made)
      out_.equal_number(static_cast<std::int64_t>(transfers.size()), 1,
                        "transfers of one " + std::get<1>(what));
  }

  void check_wallets() {
    std::map<MemberId, std::int64_t> sums;
    for (const auto& entry : entries_) {
      if (entry.account != "wallet") continue;
      sums[entry.member] += entry.amount;
      if (entry.balance && *entry.balance != sums[entry.member])
        out_.blame("a wallet's entry tells another balance than the entries before it make");
      if (sums[entry.member] < 0) out_.blame("a wallet was below nothing");
    }
    const auto rows =
        store::query(session_, {"wallets", "payments", "SELECT member, balance FROM {wallets}"}, {},
                     {Type::uuid, Type::int64});
    if (!rows) return out_.blame("the wallets cannot be read");
    for (const auto row : *rows)
      out_.equal_number(row.int64(1), sums[row.id<MemberId>(0)], "a wallet's balance");
  }

  void check_totals() {
    std::map<std::pair<std::string, std::int64_t>, std::int64_t> sums;
    std::int64_t all = 0;
    for (const auto& entry : entries_)
      sums[{entry.account, entry.shard}] += entry.amount;
    const auto rows = store::query(
        session_, {"totals", "payments", "SELECT account, shard, balance FROM {totals}"}, {},
        {Type::text, Type::int64, Type::int64});
    if (!rows) return out_.blame("the totals cannot be read");
    for (const auto row : *rows) {
      out_.equal_number(row.int64(2), sums[{std::string(row.text(0)), row.int64(1)}],
                        "total of " + std::string(row.text(0)));
      all += row.int64(2);
    }
    out_.equal_number(all, 0, "all accounts together");
  }

  [[nodiscard]] std::int64_t sum_of(const MemberId& member, std::string_view account,
                                    const OrderId& order,
                                    std::initializer_list<std::string_view> kinds) const {
    std::int64_t sum = 0;
    for (const auto& entry : entries_)
      if (entry.member == member && entry.account == account && entry.reference == order.uuid() &&
          std::ranges::find(kinds, entry.kind) != kinds.end())
        sum += entry.amount;
    return sum;
  }

  /// Entries of refunds name the refund, and payments' rows of refunds their order.
  [[nodiscard]] std::int64_t refunded_of(const std::pair<OrderId, MemberId>& order) const {
    std::int64_t sum = 0;
    for (const auto& entry : entries_) {
      if (entry.kind != "refund" || entry.account != "wallet") continue;
      const auto of = refunds_.find({entry.reference, entry.member});
      if (of != refunds_.end() && of->second == order.first && entry.member == order.second)
        sum += entry.amount;
    }
    return sum;
  }

  /// Nothing captured without units, every order with units has its payment, and what a payment
  /// says it holds is in the ledger.
  void check_payments() {
    std::map<std::pair<OrderId, MemberId>, StockReserved> granted;
    log_.each(topic::kStockEvents, StockReserved::kType,
              [&](const stream::Record&, const Envelope& envelope) {
                if (auto fact = decode<StockReserved>(envelope))
                  granted.emplace(std::pair(fact->order_id, fact->member), std::move(*fact));
              });
    for (const auto& [key, fact] : granted) {
      const auto row = payments_.find(key);
      const auto order = key.first.text();
      const auto due = due_.find(key);
      if (row == payments_.end()) {
        if (due != due_.end()) out_.blame("order " + order + " is to be paid and has no payment");
        continue;
      }
      const auto& payment = row->second;
      if (due == due_.end()) {
        if (!payment.method.empty()) out_.blame("nobody asked for money for order " + order);
        continue;
      }
      if (!payment.method.empty())
        out_.equal_number(payment.amount, due->second, "to be paid for order " + order);
      const bool wallet = fact.payment.method == PaymentMethod::wallet;
      if (payment.state == "open" && (wallet || due->second == 0))
        out_.blame("order " + order + " waits for money that is taken at once");
      if (payment.captured != 0)
        out_.equal_number(payment.captured, due->second, "captured for order " + order);
    }
    for (const auto& [key, payment] : payments_) {
      const auto order = key.first.text();
      if (payment.captured != 0 && !granted.contains(key))
        out_.blame("money was taken for order " + order + " that has no units");
      out_.equal_number(sum_of(key.second, "held", key.first, {"capture"}), payment.captured,
                        "entries of capturing order " + order);
      out_.equal_number(-sum_of(key.second, "wallet", key.first, {"capture"}), payment.captured,
                        "taken from the wallet for order " + order);
      out_.equal_number(refunded_of(key), payment.state == "closed" ? 0 : payment.refunded,
                        "refunds of order " + order);
      if (payment.refunded > payment.captured) out_.blame("more was refunded than was captured");
      if (payment.state == "closed")
        out_.equal_number(payment.refunded, payment.captured, "given back for order " + order);
      if (payment.state == "captured" && payment.captured != payment.amount)
        out_.blame("order " + order + " is captured, but not whole");
    }
    std::set<Uuid> known;
    for (const auto& [key, payment] : payments_)
      known.insert(key.first.uuid());
    for (const auto& entry : entries_)
      if ((entry.kind == "capture" || entry.kind == "close") && !known.contains(entry.reference))
        out_.blame("an entry belongs to no payment");
  }

  /// A wallet is credited where the gateway said so, once, with what it took, within the terms.
  void check_charges() {
    struct Word {
      bool captured = false;
      bool declined = false;
      std::set<std::int64_t> amounts;
    };
    std::map<std::pair<Uuid, MemberId>, Word> words;
    std::map<std::pair<Uuid, MemberId>, std::int64_t> asked;
    log_.each_good<GatewayAnswered>(bad_, [&](const GatewayAnswered& answer) {
      if (!answer.charge) return;
      auto& word = words[{answer.charge->uuid(), answer.member}];
      word.declined |= answer.outcome == GatewayOutcome::declined;
      if (answer.outcome != GatewayOutcome::captured) return;
      word.captured = true;
      if (answer.amount) word.amounts.insert(answer.amount->minor);
    });
    log_.each_good<ChargeWallet>(bad_, [&](const ChargeWallet& charge) {
      asked.emplace(std::pair(charge.charge.uuid(), charge.member), charge.amount.minor);
    });
    const auto terms = charge_terms();
    std::map<std::pair<Uuid, MemberId>, std::int64_t> credited;
    for (const auto& entry : entries_)
      if (entry.kind == "charge" && entry.account == "wallet")
        credited[{entry.reference, entry.member}] += entry.amount;
    for (const auto& [charge, amount] : credited) {
      const auto word = words.find(charge);
      if (word == words.end() || !word->second.captured || !word->second.amounts.contains(amount))
        out_.blame("a wallet was credited " + std::to_string(amount) +
                   " that no gateway says it took");
      if (amount < terms.minimum_charge.minor || amount > terms.maximum_charge.minor)
        out_.blame("a charge outside the terms was credited");
    }
    for (const auto& [charge, word] : words) {
      const auto wanted = asked.find(charge);
      const bool plain = word.captured && !word.declined && word.amounts.size() == 1 &&
                         wanted != asked.end() && wanted->second == *word.amounts.begin() &&
                         wanted->second >= terms.minimum_charge.minor &&
                         wanted->second <= terms.maximum_charge.minor;
      if (plain && !credited.contains(charge))
        out_.blame("the gateway took " + std::to_string(wanted->second) +
                   " and the wallet was not credited");
    }
  }

  /// Of one member and topic, money moved in log order; and where it was declined, it was missing.
  void check_order_of_transfers() {
    std::map<MemberId, std::vector<const EntryRow*>> wallets;
    for (const auto& entry : entries_)
      if (entry.account == "wallet") wallets[entry.member].push_back(&entry);
    std::map<MemberId, std::int64_t> last;
    std::map<MemberId, std::vector<std::pair<std::string, std::int64_t>>> declined;
    log_.each(topic::kStockEvents, StockReserved::kType,
              [&](const stream::Record&, const Envelope& envelope) {
                const auto fact = decode<StockReserved>(envelope);
                // What is left to pay of an order with a coupon is asked for by a command.
                if (fact && !fact->coupon) follow(*fact, wallets[fact->member], last[fact->member]);
              });
  }
  void follow(const StockReserved& fact, const std::vector<const EntryRow*>& wallet,
              std::int64_t& last) {
    const auto capture = std::ranges::find_if(wallet, [&](const EntryRow* entry) {
      return entry->kind == "capture" && entry->reference == fact.order_id.uuid();
    });
    if (capture != wallet.end()) {
      if ((*capture)->transfer <= last)
        out_.blame("a later order of a member was paid before an earlier one");
      last = (*capture)->transfer;
      return;
    }
    const auto payment = payments_.find({fact.order_id, fact.member});
    if (payment == payments_.end() || payment->second.declined != "insufficient_funds") return;
    // The balance was short at some moment after the last order that was paid before it.
    std::int64_t least = 0;
    std::int64_t balance = 0;
    bool begun = last == 0;
    for (const auto* entry : wallet) {
      balance += entry->amount;
      if (entry->transfer < last) continue;
      least = begun ? std::min(least, balance) : balance;
      begun = true;
    }
    if (least >= fact.total.minor && fact.total.minor > 0)
      out_.blame("order " + fact.order_id.text() + " was declined with money in the wallet");
  }

  /// Each outcome was told once, and what was told is what the rows say.
  void check_answers() {
    std::map<std::pair<OrderId, MemberId>, int> captured;
    std::map<std::pair<OrderId, MemberId>, int> declined;
    std::map<std::pair<Uuid, MemberId>, int> charged;
    count<PaymentCaptured>(captured);
    count<PaymentDeclined>(declined);
    log_.each(topic::kPaymentsEvents, WalletCharged::kType,
              [&](const stream::Record&, const Envelope& envelope) {
                if (const auto told = decode<WalletCharged>(envelope))
                  ++charged[{told->charge.uuid(), told->member}];
              });
    for (const auto& [key, payment] : payments_) {
      const auto order = key.first.text();
      const bool was_captured = payment.captured != 0 || payment.state == "captured";
      // An order that costs nothing leaves no trace of its capture once it is closed.
      const bool free = payment.amount == 0 && payment.state == "closed";
      if (!free && was_captured != (captured[key] > 0))
        out_.blame("order " + order + ": " + std::to_string(captured[key]) +
                   " captures were told, its payment is " + payment.state);
      out_.equal_number(declined[key], payment.declined.empty() ? 0 : 1,
                        "declines told of order " + order);
    }
    for (const auto& entry : entries_)
      if (entry.kind == "charge" && entry.account == "wallet")
        out_.equal_number(charged[{entry.reference, entry.member}], 1, "a charge was told");
  }
  template <class T>
  void count(std::map<std::pair<OrderId, MemberId>, int>& into) {
    log_.each(topic::kPaymentsEvents, T::kType,
              [&](const stream::Record&, const Envelope& envelope) {
                if (const auto told = decode<T>(envelope)) ++into[{told->order_id, told->member}];
              });
  }

  Findings& out_;
  const LogCopy& log_;
  store::Session& session_;
  const CommandKeys& keys_;
  std::map<Place, std::string> bad_;
  std::vector<EntryRow> entries_;
  std::map<std::pair<OrderId, MemberId>, PaymentRow> payments_;
  std::map<std::pair<OrderId, MemberId>, std::int64_t> due_;
  std::map<std::pair<Uuid, MemberId>, OrderId> refunds_;
};

}  // namespace

std::map<Place, std::string> judge_money(Findings& out, const LogCopy& log, store::Session& session,
                                         const CommandKeys& keys) {
  return MoneyJudge(out, log, session, keys).pass();
}

}  // namespace dropline::simulation
