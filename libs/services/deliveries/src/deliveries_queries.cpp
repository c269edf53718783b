#include "dropline/deliveries/deliveries_queries.hpp"

#include <algorithm>

#include "deliveries_rows.hpp"

namespace dropline::deliveries {
namespace {

constexpr store::Statement kPage{
    "deliveries_page", "deliveries",
    "SELECT order_id, member, state, paid_version, closed_version, cause, drop_id, recipient, "
    "recipient_digest, carrier, waybill, shipped_by, shipped_change, shipped_at, delivered_by, "
    "delivered_change, delivered_at, opened_at, at FROM {deliveries} "
    "WHERE state = :state AND opened_at >= :opened_at AND (opened_at > :opened_at OR "
    "order_id > :order_id) ORDER BY opened_at, order_id LIMIT :limit"};

constexpr store::Statement kOfOrder{
    "delivery_of_order", "deliveries",
    "SELECT order_id, member, state, paid_version, closed_version, cause, drop_id, recipient, "
    "recipient_digest, carrier, waybill, shipped_by, shipped_change, shipped_at, delivered_by, "
    "delivered_change, delivered_at, opened_at, at FROM {deliveries} "
    "WHERE order_id = :order_id AND paid_version > 0 ORDER BY member LIMIT 1"};

constexpr store::Statement kUnderWaybill{
    "deliveries_under_waybill", "deliveries",
    "SELECT order_id, member, state, paid_version, closed_version, cause, drop_id, recipient, "
    "recipient_digest, carrier, waybill, shipped_by, shipped_change, shipped_at, delivered_by, "
    "delivered_change, delivered_at, opened_at, at FROM {deliveries} "
    "WHERE waybill = :waybill AND carrier = :carrier ORDER BY order_id, member LIMIT :limit"};

Result<std::vector<Delivery>> ask(store::Session& session, const store::Statement& statement,
                                  const store::Params& params) {
  auto rows = store::query(
      session, statement, params,
      {Type::uuid, Type::uuid, Type::text, Type::int64, Type::int64, Type::text, Type::uuid,
       Type::text, Type::text, Type::text, Type::text, Type::text, Type::uuid, Type::int64,
       Type::text, Type::uuid, Type::int64, Type::int64, Type::int64});
  if (!rows) return rows.error();
  std::vector<Delivery> found;
  found.reserve(rows->size());
  for (const auto row : *rows) {
    auto delivery = read_delivery(row);
    if (!delivery) return delivery.error();
    found.push_back(std::move(*delivery));
  }
  return found;
}

}  // namespace

Result<std::vector<Delivery>> deliveries_page(store::Session& session, DeliveryState state,
                                              const std::optional<Behind>& behind,
                                              std::int64_t limit) {
  const auto from = behind.value_or(Behind{});
  store::Params params;
  params.add("state", contracts::to_text(state))
      .add("opened_at", from.opened_at)
      .add("order_id", from.order)
      .add("limit", std::clamp(limit, std::int64_t{1}, kMaxPage));
  return ask(session, kPage, params);
}

Result<std::optional<Delivery>> find_delivery(store::Session& session, const OrderId& order) {
  store::Params params;
  params.add("order_id", order);
  auto found = ask(session, kOfOrder, params);
  if (!found) return found.error();
  if (found->empty()) return std::optional<Delivery>();
  return std::optional(std::move(found->front()));
}

Result<std::optional<Delivery>> find_delivery(store::Session& session, const OrderId& order,
                                              const MemberId& member) {
  auto keys = store::RowBuffer::keys(kDeliveries);
  keys.add(order).add(member);
  auto rows = store::load(session, kDeliveries, keys);
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<Delivery>();
  auto delivery = read_delivery(rows->front());
  if (!delivery) return delivery.error();
  return std::optional(std::move(*delivery));
}

Result<std::vector<Delivery>> under_waybill(store::Session& session, std::string_view carrier,
                                            std::string_view waybill) {
  store::Params params;
  params.add("carrier", carrier).add("waybill", waybill).add("limit", kMaxPage);
  return ask(session, kUnderWaybill, params);
}

}  // namespace dropline::deliveries
