#pragma once

#include "dropline/base/uuid.hpp"

namespace dropline {

/// A UUID that only fits where its own kind is asked for.
template <class Tag>
class Id final {
 public:
  constexpr Id() = default;
  constexpr explicit Id(const Uuid& uuid) : uuid_(uuid) {}

  [[nodiscard]] static std::optional<Id> parse(std::string_view text) noexcept {
    const auto uuid = Uuid::parse(text);
    if (!uuid) return std::nullopt;
    return Id(*uuid);
  }

  [[nodiscard]] const Uuid& uuid() const noexcept { return uuid_; }
  [[nodiscard]] std::string text() const { return uuid_.text(); }
  [[nodiscard]] bool nil() const noexcept { return uuid_.nil(); }

  auto operator<=>(const Id&) const = default;

 private:
  Uuid uuid_;
};

using MemberId = Id<struct MemberTag>;
using OrderId = Id<struct OrderTag>;
using DropId = Id<struct DropTag>;
using ProductId = Id<struct ProductTag>;
using PaymentId = Id<struct PaymentTag>;
using RefundId = Id<struct RefundTag>;
using ChargeId = Id<struct ChargeTag>;
using CampaignId = Id<struct CampaignTag>;
using CouponId = Id<struct CouponTag>;
using ShipmentId = Id<struct ShipmentTag>;
using NoticeId = Id<struct NoticeTag>;

}  // namespace dropline

template <class Tag>
struct std::hash<dropline::Id<Tag>> {
  std::size_t operator()(const dropline::Id<Tag>& id) const noexcept {
    return std::hash<dropline::Uuid>{}(id.uuid());
  }
};
