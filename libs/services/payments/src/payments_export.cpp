// Payments of a period, for operators' files.
#include <algorithm>

#include "dropline/payments/payments_queries.hpp"
#include "payments_rows.hpp"

namespace dropline::payments {
namespace {

constexpr store::Statement kExport{
    "export_payments", "payments",
    "SELECT order_id, member FROM {payments} WHERE (order_id, member) > (:order, :member) "
    "AND opened_at >= :from AND opened_at < :until ORDER BY order_id, member LIMIT :limit"};
constexpr store::Statement kExportDrop{
    "export_payments_of_drop", "payments",
    "SELECT order_id, member FROM {payments} WHERE (order_id, member) > (:order, :member) "
    "AND opened_at >= :from AND opened_at < :until AND drop_id = :drop "
    "ORDER BY order_id, member LIMIT :limit"};

}  // namespace

Result<std::vector<Payment>> export_page(store::Session& session, const std::optional<DropId>& drop,
                                         Timestamp from, Timestamp until,
                                         const std::optional<PaymentKey>& after,
                                         std::int64_t limit) {
  const auto behind = after.value_or(PaymentKey());
  store::Params params;
  params.add("order", behind.order).add("member", behind.member);
  params.add("from", from).add("until", until);
  params.add("limit", std::clamp(limit, std::int64_t{1}, kMaxExportPage));
  if (drop) params.add("drop", *drop);
  auto found =
      store::query(session, drop ? kExportDrop : kExport, params, {Type::uuid, Type::uuid});
  if (!found) return found.error();
  auto keys = store::RowBuffer::keys(kPayments);
  for (const auto row : *found)
    keys.add(row.uuid(0)).add(row.uuid(1));
  auto rows = store::load(session, kPayments, keys);
  if (!rows) return rows.error();
  std::vector<Payment> payments;
  for (const auto row : *rows) {
    auto payment = read_payment(row);
    if (!payment) return payment.error();
    payments.push_back(std::move(*payment));
  }
  return payments;
}

}  // namespace dropline::payments
