#include "dropline/coupons/coupons.hpp"

#include <algorithm>

#include "dropline/base/ensure.hpp"

namespace dropline::coupons {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

template <class Map>
auto* find(Map& map, const typename Map::key_type& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

template <class Command>
std::optional<ChangeId> change_of(const Command& command) {
  if constexpr (requires { command.change; })
    return command.change;
  else
    return std::nullopt;
}

template <class Command>
CouponRefused refused(const Command& command, const Placed& placed, IssueRefusal reason) {
  CouponRefused event;
  event.coupon = make_coupon_id(command.campaign, command.member);
  event.campaign = command.campaign;
  event.member = command.member;
  event.reason = reason;
  event.place = placed.place;
  event.change = change_of(command);
  return event;
}

CouponIssued issued(const Coupon& coupon, const Campaign& campaign,
                    std::optional<ChangeId> change) {
  CouponIssued event;
  event.coupon = coupon.id;
  event.campaign = coupon.campaign;
  event.member = coupon.member;
  event.name = campaign.terms.name;
  event.discount = campaign.terms.discount;
  event.least_order = campaign.terms.least_order;
  event.use_from = campaign.terms.use_from;
  event.use_until = campaign.terms.use_until;
  event.place = coupon.place;
  event.at = coupon.issued_at;
  event.change = change;
  return event;
}

/// What stands against giving one more; an operator is not bound by window and pause.
std::optional<IssueRefusal> why_none(const Campaign& campaign, Timestamp at, bool by_operator) {
  if (campaign.standing == CampaignStanding::ended) return IssueRefusal::issue_ended;
  if (!by_operator) {
    if (at < campaign.terms.issue_from) return IssueRefusal::not_open;
    if (at >= campaign.terms.issue_until) return IssueRefusal::issue_ended;
    if (campaign.standing == CampaignStanding::paused) return IssueRefusal::paused;
  }
  if (campaign.issued >= campaign.terms.quantity) return IssueRefusal::sold_out;
  return std::nullopt;
}

template <class Command>
IssueAnswer give(Book& book, const Command& command, const Placed& placed,
                 const std::optional<Actor>& by) {
  auto* campaign = find(book.campaigns, command.campaign);
  if (!campaign) return refused(command, placed, IssueRefusal::unknown_campaign);
  const auto id = make_coupon_id(command.campaign, command.member);
  if (const auto* coupon = find(book.coupons, id); coupon && coupon->member == command.member)
    return issued(*coupon, *campaign, change_of(command));
  if (const auto reason = why_none(*campaign, placed.at, by.has_value()))
    return refused(command, placed, *reason);
  ++campaign->issued;
  book.campaigns_changed.insert(campaign->id);
  Coupon coupon;
  coupon.id = id;
  coupon.campaign = command.campaign;
  coupon.member = command.member;
  coupon.granted_by = by;
  coupon.place = placed.place;
  coupon.issued_at = placed.at;
  coupon.at = placed.at;
  const auto [at, fresh] = book.coupons.emplace(id, std::move(coupon));
  ensure(fresh, "a coupon's id is its member's alone");
  book.coupons_changed.insert(id);
  return issued(at->second, *campaign, change_of(command));
}

template <class Event>
Event held(const Coupon& coupon, const Use& use) {
  Event event;
  event.coupon = coupon.id;
  event.campaign = coupon.campaign;
  event.member = coupon.member;
  event.order_id = use.key.order;
  event.discount = use.discount;
  return event;
}

CouponDeclined declined(const ReserveCoupon& command, CouponDecline reason) {
  CouponDeclined event;
  event.coupon = command.coupon;
  event.member = command.member;
  event.order_id = command.order_id;
  event.reason = reason;
  return event;
}

/// What stands against using the coupon for this order.
std::optional<CouponDecline> why_not(const Coupon* coupon, const Campaign* campaign,
                                     const ReserveCoupon& command) {
  if (!coupon || !campaign || coupon->member != command.member)
    return CouponDecline::unknown_coupon;
  const auto& terms = campaign->terms;
  if (coupon->state == CouponState::redeemed) return CouponDecline::used;
  if (coupon->state == CouponState::reserved) return CouponDecline::in_use;
  if (command.placed_at < terms.use_from) return CouponDecline::not_yet_valid;
  if (command.placed_at >= terms.use_until) return CouponDecline::no_longer_valid;
  if (command.total.currency != terms.least_order.currency) return CouponDecline::wrong_currency;
  if (command.total.minor < terms.least_order.minor) return CouponDecline::below_least_order;
  return std::nullopt;
}

Use& add_use(Book& book, const UseKey& key, const MemberId& member, UseState state,
             const Placed& placed) {
  Use use;
  use.key = key;
  use.member = member;
  use.state = state;
  use.at = placed.at;
  book.uses_changed.insert(key);
  return book.uses.insert_or_assign(key, std::move(use)).first->second;
}

void move(Book& book, Use& use, UseState to, const Placed& placed) {
  use.state = to;
  use.at = placed.at;
  book.uses_changed.insert(use.key);
}

void move(Book& book, Coupon& coupon, CouponState to, const Placed& placed) {
  coupon.state = to;
  coupon.at = placed.at;
  book.coupons_changed.insert(coupon.id);
}

}  // namespace

IssueAnswer issue(Book& book, const IssueCoupon& command, const Placed& placed) {
  return give(book, command, placed, std::nullopt);
}

IssueAnswer grant(Book& book, const GrantCoupon& command, const Placed& placed) {
  if (book.changes.contains(command.change)) return std::monostate();
  book.changes.insert(command.change);
  book.changes_new.insert(command.change);
  return give(book, command, placed, command.actor);
}

Money discount_of(const Discount& discount, const Money& total) {
  std::int64_t off = 0;
  if (discount.amount) {
    off = discount.amount->minor;
  } else {
    // In two parts, since the product may pass 64 bits.
    const std::int64_t percent = discount.percent.value_or(0);
    off = total.minor / kMaxPercent * percent + total.minor % kMaxPercent * percent / kMaxPercent;
    if (discount.cap) off = std::min(off, discount.cap->minor);
  }
  return {std::min(off, total.minor), total.currency};
}

ReserveAnswer reserve(Book& book, const ReserveCoupon& command, const Placed& placed) {
  auto* coupon = find(book.coupons, command.coupon);
  const UseKey key{command.coupon, command.order_id};
  if (const auto* use = find(book.uses, key)) {
    if (use->state == UseState::declined) return declined(command, *use->declined);
    if (use->state == UseState::released) return declined(command, CouponDecline::order_ended);
    ensure(coupon != nullptr, "what an order holds is there");
    return held<CouponReserved>(*coupon, *use);
  }
  const auto* campaign = coupon ? find(book.campaigns, coupon->campaign) : nullptr;
  if (const auto reason = why_not(coupon, campaign, command)) {
    auto& use = add_use(book, key, command.member, UseState::declined, placed);
    use.declined = reason;
    use.discount.currency = command.total.currency;
    return declined(command, *reason);
  }
  auto& use = add_use(book, key, command.member, UseState::reserved, placed);
  use.discount = discount_of(campaign->terms.discount, command.total);
  coupon->order = command.order_id;
  move(book, *coupon, CouponState::reserved, placed);
  return held<CouponReserved>(*coupon, use);
}

std::optional<CouponRedeemed> redeem(Book& book, const RedeemCoupon& command,
                                     const Placed& placed) {
  auto* coupon = find(book.coupons, command.coupon);
  auto* use = find(book.uses, UseKey{command.coupon, command.order_id});
  if (!coupon || !use || use->member != command.member || use->state != UseState::reserved)
    return std::nullopt;
  move(book, *use, UseState::redeemed, placed);
  move(book, *coupon, CouponState::redeemed, placed);
  return held<CouponRedeemed>(*coupon, *use);
}

std::optional<CouponReleased> release(Book& book, const ReleaseCoupon& command,
                                      const Placed& placed) {
  const UseKey key{command.coupon, command.order_id};
  auto* use = find(book.uses, key);
  if (!use) {
    add_use(book, key, command.member, UseState::released, placed);
    return std::nullopt;
  }
  if (use->member != command.member || use->state == UseState::released ||
      use->state == UseState::declined)
    return std::nullopt;
  auto* coupon = find(book.coupons, command.coupon);
  ensure(coupon != nullptr, "what an order holds is there");
  move(book, *use, UseState::released, placed);
  coupon->order.reset();
  move(book, *coupon, CouponState::free, placed);
  CouponReleased event;
  event.coupon = command.coupon;
  event.member = command.member;
  event.order_id = command.order_id;
  event.cause = command.cause;
  return event;
}

}  // namespace dropline::coupons
