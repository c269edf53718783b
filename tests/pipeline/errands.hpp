#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dropline/contracts/orders_events.hpp"
#include "shop.hpp"
#include "town.hpp"

/// What shoppers, payers and operators do in the town, and how one sees what came of it.
namespace dropline::testing {

/// What a price in these tests is told as: won.
[[nodiscard]] Money won(std::int64_t amount);
/// `{"amount":…,"currency":"KRW"}`.
[[nodiscard]] std::string money(std::int64_t amount);
/// Where money comes from and goes back to.
inline constexpr const char* kAccount =
    R"({"bank":"Shinhan","account":"110-222-333","holder":"Kim Hana"})";

class Shopper final {
 public:
  [[nodiscard]] const MemberId& member() const { return member_; }

  /// Orders `quantity` units of the drop, and waits until it is decided. `more` goes into the
  /// order: `"coupon":"…",`.
  OrderId order(const DropId& drop, int quantity, const std::string& method,
                const std::string& more = "") const;
  /// A card order that is paid and being made ready.
  OrderId paid(const DropId& drop, int quantity, const std::string& more = "") const;
  /// … and delivered.
  OrderId delivered(const DropId& drop, int quantity, const std::string& more = "") const;

  [[nodiscard]] Answer show(const OrderId& order) const;
  void wait_for(const OrderId& order, const std::string& state) const;
  /// Asks to cancel it, or for money back; gives the answer's `change` or `refund`.
  std::string cancel(const OrderId& order, const std::string& body = "{}") const;
  std::string refund(const OrderId& order, const std::string& body = "{}") const;
  [[nodiscard]] std::int64_t points() const;

 private:
  [[nodiscard]] std::string undo(const OrderId& order, const char* what, const char* named,
                                 const std::string& body) const;

  MemberId member_ = Shop::get().new_member();
};

/// Waits until the change or refund of that id was refused, and says why.
[[nodiscard]] std::string why_refused(const OrderId& order, const std::string& id);

/// Pays at the gateway. `more`: `,"outcome":"declined"`.
Reply pay(const std::string& reference, std::int64_t amount, const std::string& more = "");
/// Transfers to the shop's account; gives the bank's transaction. Empty: no reference, no payer.
std::string transfer(std::int64_t amount, const std::string& reference,
                     const std::string& payer = kAccount);

/// An operator's call that has to be taken.
Reply operate(const std::string& path, const std::string& body, const std::string& method = "POST");
void ship(const OrderId& order, const std::string& waybill = "6890-1234-5678");
void deliver(const OrderId& order);

/// The types of `orders.events` about the order, in their order, a space between.
[[nodiscard]] std::string life_of(const OrderId& order);
/// The types that a topic has about the order.
[[nodiscard]] std::string said_of(const OrderId& order, std::string_view topic);
/// What a query of one text column answers, a comma between its rows.
[[nodiscard]] std::string rows(std::string_view service, const std::string& sql);
/// State, captured and refunded of the order's payment: "closed 1000 1000".
[[nodiscard]] std::string payment_of(const OrderId& order);

}  // namespace dropline::testing
