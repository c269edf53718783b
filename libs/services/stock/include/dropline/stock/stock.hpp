#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "dropline/contracts/orders_commands.hpp"
#include "dropline/contracts/stock_events.hpp"
#include "dropline/contracts/stock_levels.hpp"

/// Who gets units, at what price: the rules, without a clock, a database or a stream. What a drop
/// comes to is a function of one partition of the log: the same records in the same order give the
/// same winners, wherever they are replayed.
namespace dropline::stock {

/// What is counted: a SKU within a drop, or an ordinary one.
struct OfferKey {
  std::optional<DropId> drop;
  Sku sku;
  auto operator<=>(const OfferKey&) const = default;
};

struct Offer {
  OfferKey key;
  ProductId product;
  Money price;
  std::optional<std::int64_t> limit;  ///< units a member
  std::int64_t supplied = 0;
  std::int64_t allocated = 0;  ///< units of orders not released
  std::int64_t settled = 0;    ///< of these, paid
  std::int64_t written_off = 0;
  bool withdrawn = false;  ///< not for sale
  std::int64_t version = 0;
  std::int32_t shard = 0;  ///< that last changed it
  contracts::LogPlace place;
  Timestamp at;

  [[nodiscard]] std::int64_t free() const { return supplied - allocated - written_off; }
};

struct Drop {
  DropId id;
  std::int64_t version = 0;
  std::int64_t revision = 0;
  contracts::DropStanding standing = contracts::DropStanding::active;
  Timestamp opens_at;
  Timestamp closes_at;
  std::optional<std::int64_t> limit_per_member;
  std::vector<contracts::ProductLimit> product_limits;
  std::vector<Sku> skus;
  std::int32_t shard = 0;
  contracts::LogPlace place;
  Timestamp at;
};

/// One permanent row an order, refusals too.
struct Order {
  OrderId id;
  MemberId member;
  std::optional<DropId> drop;
  contracts::StockOutcome outcome = contracts::StockOutcome::refused;
  std::optional<contracts::RejectReason> reason;
  crypto::Digest body_hash{};
  contracts::LogPlace first;
  Timestamp placed_at;
  Money total;
  std::vector<contracts::PricedLine> lines;  ///< empty where refused
  bool settled = false;
};

/// Units of one SKU that a member's unreleased orders hold, where a limit counts them.
struct HoldingKey {
  std::optional<DropId> drop;
  MemberId member;
  Sku sku;
  auto operator<=>(const HoldingKey&) const = default;
};
struct Holding {
  ProductId product;
  std::int64_t units = 0;
};

/// The rows that a batch needs, and which of them it changed. Whoever judges must have loaded:
/// for an order its own row, its drop, its offers, and its member's holdings in that drop; for a
/// release or settlement its orders and their offers and holdings; for a change its drop, the offer
/// (for OpenDrop every offer of the drop), and its change id.
struct Book {
  std::map<DropId, Drop> drops;
  std::map<OfferKey, Offer> offers;
  std::map<OrderId, Order> orders;
  std::map<HoldingKey, Holding> holdings;
  std::set<contracts::ChangeId> changes;  ///< applied before

  std::set<DropId> drops_changed;
  std::set<OfferKey> offers_changed;
  std::set<OrderId> orders_changed;
  std::set<HoldingKey> holdings_changed;
  std::set<contracts::ChangeId> changes_new;

  [[nodiscard]] Drop* drop(const DropId& id);
  [[nodiscard]] Offer* offer(const OfferKey& key);
  [[nodiscard]] Order* order(const OrderId& id);
};

/// Where and when the log took a record, and the shard that judges it.
struct Placed {
  contracts::LogPlace place;
  Timestamp at;
};

using Judgement = std::variant<contracts::StockReserved, contracts::StockRefused,
                               contracts::OrderRepeated, contracts::IdempotencyConflict>;

/// Judges an order at its place. The command has passed verify_place_order().
[[nodiscard]] Judgement judge(Book& book, const contracts::PlaceOrder& order, const Placed& placed);

/// Refuses an order whose judging failed, so that its shopper hears of it and the sale goes on.
[[nodiscard]] Judgement refuse_for_error(Book& book, const contracts::PlaceOrder& order,
                                         const Placed& placed);

/// A change was made, was not, or had been made before (monostate: nothing is answered).
using ChangeAnswer =
    std::variant<std::monostate, contracts::DropOpened, contracts::DropPaused,
                 contracts::DropResumed, contracts::DropEnded, contracts::StockRestocked,
                 contracts::StockCorrected, contracts::OfferPut, contracts::DropChangeRefused>;

[[nodiscard]] ChangeAnswer change(Book& book, const contracts::OpenDrop& command,
                                  const Placed& placed);
[[nodiscard]] ChangeAnswer change(Book& book, const contracts::PauseDrop& command,
                                  const Placed& placed);
[[nodiscard]] ChangeAnswer change(Book& book, const contracts::ResumeDrop& command,
                                  const Placed& placed);
[[nodiscard]] ChangeAnswer change(Book& book, const contracts::EndDrop& command,
                                  const Placed& placed);
[[nodiscard]] ChangeAnswer change(Book& book, const contracts::Restock& command,
                                  const Placed& placed);
[[nodiscard]] ChangeAnswer change(Book& book, const contracts::CorrectStock& command,
                                  const Placed& placed);
[[nodiscard]] ChangeAnswer change(Book& book, const contracts::PutOffer& command,
                                  const Placed& placed);

/// Gives units back, of each order once. Orders that are unknown, of other members or drops, or
/// were granted nothing are passed over.
[[nodiscard]] std::vector<contracts::UnitsReleased> release(Book& book,
                                                            const contracts::ReleaseUnits& command,
                                                            const Placed& placed);

/// Marks units as paid; absent where nothing changed.
[[nodiscard]] std::optional<contracts::UnitsSettled> settle(Book& book,
                                                            const contracts::SettleUnits& command,
                                                            const Placed& placed);

[[nodiscard]] contracts::OfferLevel level_of(const Offer& offer);
[[nodiscard]] contracts::DropLevel level_of(const Drop& drop);

}  // namespace dropline::stock
