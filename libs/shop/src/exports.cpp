// Orders and payments as CSV. A page is at most kMaxExportPage rows, so that memory is bounded
// whatever a period holds; the pages one after the other are the file.
#include "exports.hpp"

#include "dropline/ordering/ordering_queries.hpp"
#include "dropline/payments/payments_queries.hpp"
#include "dropline/shop/csv.hpp"

namespace dropline::shop {
namespace {

/// What the query asks for.
struct Wanted {
  std::optional<DropId> drop;
  Timestamp from;
  Timestamp until;
  std::optional<ordering::OrderKey> after;
  std::int64_t limit = ordering::kMaxExportPage;
  std::string next;  ///< the path and query of the next page, without `after`
};

void bad(const http::ExchangePtr& exchange, const std::string& what) {
  exchange->respond(http::bad_request(exchange->request().language(), what).response());
}

std::optional<ordering::OrderKey> parse_after(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto order = OrderId::parse(text.substr(0, dot));
  const auto member = MemberId::parse(text.substr(dot + 1));
  if (!order || !member) return std::nullopt;
  return ordering::OrderKey{*order, *member};
}

/// What is asked for, or has answered what is wrong with it.
std::optional<Wanted> wanted(const http::ExchangePtr& exchange, std::string_view path) {
  const auto& request = exchange->request();
  Wanted out;
  if (const auto text = request.query("drop")) {
    out.drop = DropId::parse(*text);
    if (!out.drop) return bad(exchange, "drop: must be a UUID"), std::nullopt;
  }
  const auto from = parse_rfc3339(request.query("from").value_or(""));
  const auto until = parse_rfc3339(request.query("until").value_or(""));
  if (!from || !until || *from >= *until)
    return bad(exchange,
               "from, until: must be times as in 2026-03-01T09:00:00Z, the first the earlier"),
           std::nullopt;
  out.from = *from;
  out.until = *until;
  if (const auto text = request.query("after")) {
    out.after = parse_after(*text);
    if (!out.after) return bad(exchange, "after: is not of an earlier page"), std::nullopt;
  }
  constexpr auto kMost = static_cast<std::size_t>(ordering::kMaxExportPage);
  const auto limit = page_limit(exchange, kMost, kMost);
  if (!limit) return std::nullopt;
  out.limit = static_cast<std::int64_t>(*limit);
  out.next = std::string(path) + "?from=" + rfc3339(*from) + "&until=" + rfc3339(*until) +
             "&limit=" + std::to_string(out.limit);
  if (out.drop) out.next += "&drop=" + out.drop->text();
  return out;
}

std::string time_cell(const std::optional<Timestamp>& at) {
  return at ? rfc3339(*at) : std::string();
}

/// "SHIRT-M x 2; SHIRT-L x 1"
std::string lines_cell(const ordering::Order& order) {
  std::string out;
  const auto add = [&out](const Sku& sku, std::int32_t quantity) {
    out += (out.empty() ? "" : "; ") + sku.text() + " x " + std::to_string(quantity);
  };
  for (const auto& line : order.lines)
    add(line.sku, line.quantity);
  for (const auto& line : order.asked_lines)
    add(line.sku, line.quantity);
  return out;
}

constexpr auto kOrderHead = {"order_id",  "member",  "drop",      "state",    "reason",
                             "placed_at", "paid_at", "method",    "currency", "total",
                             "discount",  "paid",    "refunded",  "coupon",   "lines",
                             "carrier",   "waybill", "partition", "offset"};

void write_row(CsvWriter& csv, const ordering::Order& order) {
  csv.cell(order.key.order.text()).cell(order.key.member.text());
  csv.cell(order.drop ? order.drop->text() : "").cell(contracts::to_text(order.state));
  csv.cell(order.reason().value_or("")).cell(rfc3339(order.placed_at));
  csv.cell(order.money.captured ? rfc3339(order.money.captured->record.at) : "");
  csv.cell(contracts::to_text(order.payment.method)).cell(order.total.currency.text());
  csv.number(order.total.minor).number(order.discount().minor).number(order.paid().minor);
  csv.number(order.refunded().minor).cell(order.coupon ? order.coupon->text() : "");
  csv.cell(lines_cell(order));
  csv.cell(order.goods.shipped ? order.goods.shipped->carrier : "");
  csv.cell(order.goods.shipped ? order.goods.shipped->waybill : "");
  csv.number(order.place.partition).number(order.place.offset).end_row();
}

constexpr auto kPaymentHead = {"order_id", "member",    "drop",        "method",    "state",
                               "currency", "amount",    "captured",    "refunded",  "closed_for",
                               "declined", "opened_at", "captured_at", "changed_at"};

void write_row(CsvWriter& csv, const payments::Payment& payment) {
  csv.cell(payment.key.order.text()).cell(payment.key.member.text());
  csv.cell(payment.drop ? payment.drop->text() : "");
  csv.cell(payment.method ? contracts::to_text(*payment.method) : "");
  csv.cell(contracts::to_text(payment.state)).cell(payment.amount.currency.text());
  csv.number(payment.amount.minor).number(payment.captured).number(payment.refunded);
  csv.cell(payment.cause ? contracts::to_text(*payment.cause) : "");
  csv.cell(payment.declined ? contracts::to_text(*payment.declined) : "");
  csv.cell(rfc3339(payment.opened_at)).cell(time_cell(payment.captured_at));
  csv.cell(rfc3339(payment.at)).end_row();
}

/// The first page begins the file; every other goes on with it.
template <class Row, class Head>
http::Response page_of(const Wanted& asked, std::string_view name, const std::vector<Row>& rows,
                       const Head& head) {
  http::Response response;
  response.content_type = "text/csv; charset=utf-8";
  CsvWriter csv(response.body);
  if (!asked.after) {
    response.body += kByteOrderMark;
    for (const std::string_view column : head)
      csv.cell(column);
    csv.end_row();
  }
  for (const auto& row : rows)
    write_row(csv, row);
  response.header("Content-Disposition", "attachment; filename=" + std::string(name) + ".csv");
  response.header("Cache-Control", "no-store");
  if (std::ssize(rows) == asked.limit)
    response.header("Link", "<" + asked.next + "&after=" + rows.back().key.order.text() + "." +
                                rows.back().key.member.text() + ">; rel=\"next\"");
  return response;
}

void export_orders(const CorePtr& core, const http::ExchangePtr& exchange) {
  if (!identified_admin(*core, exchange)) return;
  auto asked = wanted(exchange, "/v1/admin/exports/orders");
  if (!asked) return;
  respond_from_tables(
      core, exchange,
      [asked = std::move(*asked)](store::Session& session) -> Result<http::Response> {
        const auto rows = ordering::export_page(session, {asked.drop, asked.from, asked.until},
                                                asked.after, asked.limit);
        if (!rows) return rows.error();
        return page_of(asked, "orders", *rows, kOrderHead);
      });
}

void export_payments(const CorePtr& core, const http::ExchangePtr& exchange) {
  if (!identified_admin(*core, exchange)) return;
  auto asked = wanted(exchange, "/v1/admin/exports/payments");
  if (!asked) return;
  respond_from_tables(
      core, exchange,
      [asked = std::move(*asked)](store::Session& session) -> Result<http::Response> {
        std::optional<payments::PaymentKey> after;
        if (asked.after) after = payments::PaymentKey{asked.after->order, asked.after->member};
        const auto rows =
            payments::export_page(session, asked.drop, asked.from, asked.until, after, asked.limit);
        if (!rows) return rows.error();
        return page_of(asked, "payments", *rows, kPaymentHead);
      });
}

}  // namespace

void add_export_routes(http::Router& router, const CorePtr& core) {
  router.add(http::Method::get, "/v1/admin/exports/orders", "admin.exports.orders",
             [core](const http::ExchangePtr& exchange) { export_orders(core, exchange); });
  router.add(http::Method::get, "/v1/admin/exports/payments", "admin.exports.payments",
             [core](const http::ExchangePtr& exchange) { export_payments(core, exchange); });
}

}  // namespace dropline::shop
