#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client.hpp"
#include "dropline/base/random.hpp"
#include "dropline/contracts/parts.hpp"
#include "dropline/contracts/payments_accounts.hpp"
#include "dropline/crypto/ed25519.hpp"
#include "dropline/crypto/hmac.hpp"
#include "dropline/shop/receipt.hpp"
#include "system.hpp"

namespace dropline::testing {

/// What the API says of an order.
struct Answer {
  OrderId order_id;
  std::string state;
  std::optional<std::string> reason;
  std::optional<Money> total;
  std::optional<Money> paid;
  std::optional<Money> refunded;
  std::optional<std::vector<contracts::TimelineEntry>> timeline;
  // While money is waited for.
  std::optional<Money> due;
  std::optional<Timestamp> due_at;
  std::optional<std::string> reference;
  std::optional<contracts::BankAccount> deposit_to;
  // Once it is on its way.
  std::optional<std::string> carrier;
  std::optional<std::string> waybill;
  std::optional<Timestamp> refundable_until;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("state", self.state, contracts::kNameBounds);
    visit("reason", self.reason, contracts::kNameBounds);
    visit("total", self.total);
    visit("paid", self.paid);
    visit("refunded", self.refunded);
    visit("timeline", self.timeline, contracts::Bounds{0, 100});
    visit("due", self.due);
    visit("due_at", self.due_at);
    visit("reference", self.reference, contracts::kReferenceBounds);
    visit("deposit_to", self.deposit_to);
    visit("carrier", self.carrier, contracts::kNameBounds);
    visit("waybill", self.waybill, contracts::kNameBounds);
    visit("refundable_until", self.refundable_until);
  }
};

/// A record of a topic, kept.
struct Kept {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::string key;
  std::string value;
  std::map<std::string, std::string> headers;
};

/// The units of a drop, summed over its offers.
struct Units {
  std::int64_t free = 0;
  std::int64_t allocated = 0;
  std::int64_t settled = 0;
  bool operator==(const Units&) const = default;
};

/// The system, started once for all cases, with what shoppers and operators do; each case makes
/// drops and members of its own.
class Shop final {
 public:
  static Shop& get();

  System& system() { return *system_; }
  SystemRandom random;

  MemberId new_member() { return MemberId(random.uuid4()); }
  /// A member whose wallet holds `amount`: charged, and the gateway's notice applied.
  MemberId new_payer(std::int64_t amount = 100'000);
  std::vector<MemberId> new_payers(std::size_t count, std::int64_t amount);

  std::string token(const MemberId& member, std::chrono::seconds age = std::chrono::seconds(0));
  RequestHeaders headers(const MemberId& member, const std::string& key, bool wait = true);
  static std::string body(const std::optional<DropId>& drop, const std::string& sku, int quantity);
  Reply place(const MemberId& member, const std::string& key, const std::string& body,
              bool wait = true, std::uint16_t port = 0);
  Reply get(const MemberId& member, const std::string& path);
  Reply post(const MemberId& member, const std::string& path, const std::string& key,
             const std::string& body);
  Reply admin(const std::string& path, const std::string& body, const std::string& method = "POST");
  Reply admin_get(const std::string& path);
  /// A drop of one SKU "unit" at 1,000 won that is open now, and for as long as tests may last.
  DropId open_drop(int units);
  std::int64_t balance(const MemberId& member);

  std::vector<Kept> read(std::string_view logical);
  std::vector<Kept> records_of(std::string_view logical, const OrderId& order);
  /// Stock's row: outcome, or empty where there is none.
  std::string row(const OrderId& order);
  Units units(const DropId& drop);
  shop::Arrival receipt(const Reply& reply);

 private:
  Shop();
  void charge(const MemberId& member, std::int64_t amount);

  std::unique_ptr<System> system_;
  crypto::PublicKey receipts_;
  crypto::SecretKey tokens_;
  crypto::HmacKey gateway_;
  std::string admin_token_;
};

[[nodiscard]] Answer answer_of(const Reply& reply);
/// The stable code of a problem.
[[nodiscard]] std::string code_of(const Reply& reply);

}  // namespace dropline::testing
