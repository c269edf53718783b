#include "money_checks.hpp"

#include <vector>

#include "dropline/contracts/codec.hpp"
#include "dropline/store/table.hpp"

namespace dropline::audit {
namespace {

using namespace contracts;  // NOLINT: messages are what this file compares
using store::Type;

constexpr store::Statement kPayments{
    "audit payments", "payments",
    "SELECT order_id, member, COALESCE(method, '(none)'), captured, currency, "
    "COALESCE(captured_at, 0), "
    "refunded, COALESCE(cause, '(none)'), COALESCE(declined, '(none)') FROM {payments} "
    "WHERE order_id {any:ids:uuid}"};

constexpr store::Statement kCharges{
    "audit charges", "payments",
    "SELECT c.charge, c.member, c.state, c.amount, c.currency, COALESCE(e.balance, -1), "
    "COALESCE(e.at, 0) "
    "FROM {charges} c LEFT JOIN {entries} e ON e.member = c.member AND e.reference = c.charge "
    "AND e.account = 'wallet' AND e.kind = 'charge' WHERE c.charge {any:ids:uuid}"};

std::string money(std::int64_t minor, std::string_view currency) {
  return std::to_string(minor) + ' ' + std::string(currency);
}
std::string money(const Money& amount) {
  return money(amount.minor, amount.currency.text());
}

store::Params ids_of(const auto& all, std::vector<Uuid>& ids) {
  for (const auto& [key, told] : all)
    ids.push_back(key.first.uuid());
  store::Params params;
  params.add_list("ids", std::span<const Uuid>(ids));
  return params;
}

}  // namespace

void MoneyChecks::announce(Outcomes& out) {
  out.announce("money_told", "payments' rows say what payments told", Reach::always);
}

Status MoneyChecks::take(const stream::Record& record, const Envelope& envelope) {
  const auto place = [&record] {
    return std::string(record.topic) + '/' + std::to_string(record.partition) + '@' +
           std::to_string(record.offset);
  };
  const auto keep = [&]<class Fact>(std::optional<Fact> Told::*member) {
    auto fact = decode<Fact>(envelope);
    if (!fact) return;
    auto& told = payments_[{fact->order_id, fact->member}];
    told.where = place();
    told.*member = std::move(*fact);
  };
  if (envelope.type == PaymentCaptured::kType) keep(&Told::captured);
  if (envelope.type == PaymentDeclined::kType) keep(&Told::declined);
  if (envelope.type == PaymentClosed::kType) keep(&Told::closed);
  if (envelope.type == WalletCharged::kType)
    if (auto charge = decode<WalletCharged>(envelope))
      charges_.emplace(std::pair(charge->charge, charge->member), Charged{place(), *charge});
  if (payments_.size() >= kChunk)
    if (auto done = compare_payments(); !done) return done;
  return charges_.size() < kChunk ? Status() : compare_charges();
}

Status MoneyChecks::compare_payments() {
  std::vector<Uuid> ids;
  const auto params = ids_of(payments_, ids);
  auto rows = store::query(session_, kPayments, params,
                           {Type::uuid, Type::uuid, Type::text, Type::int64, Type::text,
                            Type::int64, Type::int64, Type::text, Type::text});
  if (!rows) return rows.error();
  for (const auto row : *rows) {
    const auto found = payments_.find({row.id<OrderId>(0), row.id<MemberId>(1)});
    if (found == payments_.end()) continue;
    const auto& told = found->second;
    const auto where = "payments.payments order=" + row.uuid(0).text();
    const auto blame = [&](std::string is, const std::string& was) {
      if (is != was)
        out_.add("money_told", where, std::move(is) + "; " + told.where + " told: " + was);
    };
    if (told.captured)
      blame("captured " + money(row.int64(3), row.text(4)) + " by " + std::string(row.text(2)) +
                " at " + std::to_string(row.int64(5)),
            "captured " + money(told.captured->amount) + " by " +
                std::string(to_text(told.captured->method)) + " at " +
                std::to_string(unix_us(told.captured->at)));
    if (told.declined)
      blame("declined " + std::string(row.text(8)) + " of " + std::string(row.text(2)),
            "declined " + std::string(to_text(told.declined->reason)) + " of " +
                std::string(to_text(told.declined->method)));
    if (told.closed)
      blame("closed for " + std::string(row.text(7)) + ", refunded " + std::to_string(row.int64(6)),
            "closed for " + std::string(to_text(told.closed->cause)) + ", refunded " +
                std::to_string(told.closed->refunded.minor));
    payments_.erase(found);
  }
  for (const auto& [key, told] : payments_)
    out_.add("money_told", "payments.payments order=" + key.first.text(),
             "there is no row; " + told.where + " told of it");
  payments_.clear();
  return {};
}

Status MoneyChecks::compare_charges() {
  std::vector<Uuid> ids;
  const auto params = ids_of(charges_, ids);
  auto rows = store::query(
      session_, kCharges, params,
      {Type::uuid, Type::uuid, Type::text, Type::int64, Type::text, Type::int64, Type::int64});
  if (!rows) return rows.error();
  for (const auto row : *rows) {
    const auto found = charges_.find({row.id<ChargeId>(0), row.id<MemberId>(1)});
    if (found == charges_.end()) continue;
    const auto& [told_at, charge] = found->second;
    const auto is = std::string(row.text(2)) + ' ' + money(row.int64(3), row.text(4)) +
                    ", balance " + std::to_string(row.int64(5)) + ", at " +
                    std::to_string(row.int64(6));
    const auto was = "captured " + money(charge.amount) + ", balance " +
                     std::to_string(charge.balance.minor) + ", at " +
                     std::to_string(unix_us(charge.at));
    if (is != was)
      out_.add("money_told", "payments.charges charge=" + row.uuid(0).text(),
               is + "; " + told_at + " told: " + was);
    charges_.erase(found);
  }
  for (const auto& [key, told] : charges_)
    out_.add("money_told", "payments.charges charge=" + key.first.text(),
             "there is no row; " + told.where + " told of it");
  charges_.clear();
  return {};
}

Status MoneyChecks::finish() {
  if (auto done = compare_payments(); !done) return done;
  return compare_charges();
}

}  // namespace dropline::audit
