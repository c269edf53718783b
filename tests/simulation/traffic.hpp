#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster.hpp"
#include "dropline/base/clock.hpp"
#include "dropline/base/random.hpp"
#include "dropline/contracts/body_hash.hpp"
#include "dropline/contracts/coupons_commands.hpp"
#include "dropline/contracts/ordering_commands.hpp"
#include "dropline/contracts/orders_commands.hpp"
#include "dropline/contracts/outgoing.hpp"
#include "dropline/contracts/payments_commands.hpp"
#include "dropline/shop/gate.hpp"

namespace dropline::simulation {

/// Another service as the log sees it: says one thing at a time, and again until it is known to be
/// in the log, so that its copies may double but never overtake.
class Teller final {
 public:
  Teller(const contracts::CommandKeys& keys, const Clock& clock, std::string source);

  void say(contracts::Outgoing message) { waiting_.push_back(std::move(message)); }
  void pump(stream::Stream* stream);
  /// The stream goes away.
  void let_go();
  [[nodiscard]] bool idle() const { return waiting_.empty(); }

 private:
  enum class Answer : std::uint8_t { none, awaited, taken, lost };

  const contracts::CommandKeys& keys_;
  const Clock& clock_;
  std::string source_;
  std::deque<contracts::Outgoing> waiting_;
  std::unique_ptr<stream::Producer> producer_;
  Timestamp said_at_;
  std::int64_t seq_ = 1;
  std::uint64_t token_ = 0;
  Answer answer_ = Answer::none;
};

/// Reads a topic from its start, over any number of streams that come and go.
class Follower final {
 public:
  explicit Follower(std::string_view topic) : topic_(topic), next_(kPartitions, 0) {}
  [[nodiscard]] std::optional<stream::Batch> poll(stream::Stream* stream, std::size_t max);
  void let_go() { consumer_.reset(); }
  [[nodiscard]] const std::string& topic() const { return topic_; }

 private:
  std::string topic_;
  std::vector<std::int64_t> next_;
  std::unique_ptr<stream::Consumer> consumer_;
};

/// What those outside were told, to be held against the log at the end.
struct Promises {
  std::vector<std::string> receipts;  ///< JSON, as a shopper keeps them
  crypto::PublicKey key;
  struct Sent {
    int tried = 0;
    int failed = 0;  ///< said not to be in the log
  };
  /// By order and body.
  std::map<std::pair<OrderId, crypto::Digest>, Sent> orders;
};

/// Everybody outside: shoppers who do as they like, operators, a gateway, services that are not
/// part of the run, and people who write to topics what does not belong there.
class Traffic final {
 public:
  explicit Traffic(Stage& stage);

  void attach(Cluster& cluster) { cluster_ = &cluster; }
  void let_go(std::size_t line, bool gone);
  void act();         ///< somebody does something
  void look_after();  ///< somebody does something about an order that is there
  void pump();        ///< answers come in, what was lost is said again
  [[nodiscard]] bool idle() const { return catalog_.idle() && console_.idle() && cashier_.idle(); }
  [[nodiscard]] Promises& promises() { return promises_; }

 private:
  struct Granted {
    OrderId order;
    MemberId member;
    std::optional<DropId> drop;
  };

  /// A paid order, as orders told.
  struct Sale {
    OrderId order;
    MemberId member;
    std::optional<DropId> drop;
    std::vector<contracts::PricedLine> lines;
  };

  /// An ingress process: the gate, and whether whoever asked still hears it.
  struct Ingress {
    std::unique_ptr<shop::Gate> gate;
    std::shared_ptr<bool> alive;
  };

  void open_shop();
  void fill_wallets();
  void place_order();
  void place_again();
  void place(const contracts::PlaceOrder& order);
  void cheat();
  void garbage();
  void copy();
  contracts::PutCampaign promise(std::size_t campaign);
  void operate();
  void pay();
  void undo();
  void rush();
  void run_campaigns();
  void send_goods();
  void give_back();
  void extend();
  void follow();
  void follow_sales();
  void follow_coupons();
  std::optional<CouponId> some_coupon(const MemberId& member);
  contracts::OpenDrop terms(std::size_t drop);
  contracts::PlaceOrder new_order();
  contracts::ChangeId new_change() { return contracts::ChangeId(random_.uuid4()); }
  const MemberId& anybody() { return members_[random_.below(members_.size())]; }
  shop::Gate* gate(Ingress** whose = nullptr);
  /// Through an ingress; who asks does not wait for the answer.
  template <contracts::Message T>
  void ask(const T& message) {
    if (auto* to = gate())
      static_cast<void>(to->send(message, {}, {}, [](const shop::Acknowledgement&) {}));
  }
  void send(const contracts::Outgoing& message, bool sign = false,
            std::optional<std::string> key = {}, std::optional<std::int32_t> partition = {});
  void send_raw(const stream::Draft& draft);
  template <class Command>
  Command of_offer();
  template <class Command>
  void switch_drop();

  Stage& stage_;
  Cluster* cluster_ = nullptr;
  SeededRandom random_;
  const Clock& clock_;
  const contracts::CommandKeys& keys_;
  telemetry::Metrics metrics_;
  crypto::SecretKey receipt_key_;
  Promises promises_;
  Teller catalog_;
  Teller console_;
  Teller cashier_;
  std::array<Ingress, kLines - 1> ingresses_;
  std::unique_ptr<stream::Producer> raw_;
  Follower events_;
  Follower sales_told_;
  Follower coupons_told_;
  /// Of command topics, whose records anybody may write once more.
  std::array<Follower, 3> commands_;

  std::vector<MemberId> members_;
  std::vector<DropId> drops_;
  std::vector<ProductId> products_;
  std::vector<Sku> skus_;
  std::vector<CampaignId> campaigns_;
  std::map<MemberId, std::vector<CouponId>> coupons_;  ///< that they were told they have
  std::vector<contracts::PlaceOrder> placed_;
  std::vector<Granted> granted_;
  std::vector<Sale> sales_;
  std::vector<Sale> shipped_;
  std::vector<Sale> delivered_;
  std::vector<contracts::RefundOrder> refunds_;
  std::vector<contracts::ChargeWallet> charges_;
  std::vector<contracts::CancelOrder> cancels_;
  Timestamp opens_at_;
  std::uint64_t said_ = 0;
  std::uint64_t keys_used_ = 0;
};

}  // namespace dropline::simulation
