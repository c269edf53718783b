#include "deliveries_rows.hpp"

#include <algorithm>

#include "dropline/crypto/hex.hpp"
#include "dropline/store/errors.hpp"

namespace dropline::deliveries {
namespace {

using contracts::parse_enum;

Error damaged(std::string_view column, std::string_view value) {
  return store::error(store::Errc::failed, "deliveries." + std::string(column) + " holds '" +
                                               std::string(value) + "', which means nothing");
}

/// "<kind>:<id>", as in "admin:operator-kim".
std::string actor_text(const contracts::Actor& actor) {
  return std::string(contracts::to_text(actor.kind)) + ':' + actor.id;
}

std::optional<contracts::Actor> parse_actor(std::string_view text) {
  const auto colon = std::min(text.find(':'), text.size());
  const auto kind = parse_enum<contracts::ActorKind>(text.substr(0, colon));
  if (!kind || colon == text.size()) return std::nullopt;
  return contracts::Actor{*kind, std::string(text.substr(colon + 1))};
}

void put(store::RowBuffer& rows, const std::optional<Said>& said) {
  if (said) {
    rows.add(actor_text(said->actor)).add(said->change).add(said->at);
  } else {
    rows.null().null().null();
  }
}

/// Three columns: who, by which command, when.
Status read_said(const store::Rows::Row& row, std::size_t column, std::optional<Said>& out) {
  if (row.is_null(column)) return {};
  auto actor = parse_actor(row.text(column));
  if (!actor) return damaged(column == 11 ? "shipped_by" : "delivered_by", row.text(column));
  Said said;
  said.actor = std::move(*actor);
  if (!row.is_null(column + 1)) said.change = row.id<contracts::ChangeId>(column + 1);
  said.at = row.time(column + 2);
  out = std::move(said);
  return {};
}

Status read_recipient(const store::Rows::Row& row, Delivery& delivery) {
  if (row.is_null(7)) return {};
  const auto digest = crypto::parse_digest(row.text(8));
  if (!digest) return damaged("recipient_digest", row.text(8));
  delivery.recipient = contracts::SealedText{std::string(row.text(7)), *digest};
  return {};
}

}  // namespace

void put(store::RowBuffer& rows, const Delivery& delivery) {
  rows.add(delivery.key.order).add(delivery.key.member).add(contracts::to_text(delivery.state));
  rows.add(delivery.paid_version).add(delivery.closed_version);
  if (delivery.cause) {
    rows.add(contracts::to_text(*delivery.cause));
  } else {
    rows.null();
  }
  rows.add(delivery.drop);
  if (delivery.recipient) {
    rows.add(delivery.recipient->sealed).add(crypto::hex_encode(delivery.recipient->digest));
  } else {
    rows.null().null();
  }
  if (delivery.shipped) {
    rows.add(delivery.carrier).add(delivery.waybill);
  } else {
    rows.null().null();
  }
  put(rows, delivery.shipped);
  put(rows, delivery.delivered);
  rows.add(delivery.opened_at).add(delivery.at);
}

Result<Delivery> read_delivery(const store::Rows::Row& row) {
  Delivery delivery;
  delivery.key = {row.id<OrderId>(0), row.id<MemberId>(1)};
  const auto state = parse_enum<DeliveryState>(row.text(2));
  if (!state) return damaged("state", row.text(2));
  delivery.state = *state;
  delivery.paid_version = row.int64(3);
  if (!row.is_null(4)) delivery.closed_version = row.int64(4);
  if (!row.is_null(5)) {
    delivery.cause = parse_enum<contracts::EndCause>(row.text(5));
    if (!delivery.cause) return damaged("cause", row.text(5));
  }
  if (!row.is_null(6)) delivery.drop = row.id<DropId>(6);
  if (auto done = read_recipient(row, delivery); !done) return done.error();
  if (!row.is_null(9)) delivery.carrier = row.text(9);
  if (!row.is_null(10)) delivery.waybill = row.text(10);
  if (auto done = read_said(row, 11, delivery.shipped); !done) return done.error();
  if (auto done = read_said(row, 14, delivery.delivered); !done) return done.error();
  delivery.opened_at = row.time(17);
  delivery.at = row.time(18);
  return delivery;
}

}  // namespace dropline::deliveries
