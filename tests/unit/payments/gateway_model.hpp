#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>

#include "dropline/payments/payments_worker.hpp"

namespace dropline::payments::testing {

/// What a gateway and a bank keep, shared by every process that calls them: one payment a
/// reference, every idempotency key answered once and then repeated.
struct GatewayBooks {
  struct Paid {
    Money amount;
    std::string state = "captured";  ///< captured, declined, voided
    std::int64_t refunded = 0;
  };

  /// A payer's doing. False where that reference was used up.
  bool pay(const std::string& reference, const Money& amount, std::string state = "captured") {
    return payments.try_emplace(reference, Paid{amount, std::move(state), 0}).second;
  }

  GatewayReply handle(const Errand& errand) {
    ++calls;
    const auto known = by_key.find(errand.call);
    if (known != by_key.end()) {
      ++repeated;
      return known->second;
    }
    auto reply = decide(errand);
    // Questions are no effects.
    if (errand.kind != ErrandKind::ask) by_key.emplace(errand.call, reply);
    return reply;
  }

  GatewayReply decide(const Errand& errand) {
    const auto paid = payments.find(errand.reference);
    switch (errand.kind) {
      case ErrandKind::ask:
        return paid == payments.end() ? GatewayReply() : said(paid->second);
      case ErrandKind::cancel: {
        const auto row =
            payments.try_emplace(errand.reference, Paid{errand.amount, "voided", 0}).first;
        return said(row->second);
      }
      case ErrandKind::refund: {
        if (refuses) return {contracts::GatewayOutcome::refused, {}, {}, "not any more"};
        if (paid == payments.end() || paid->second.state != "captured" ||
            paid->second.refunded + errand.amount.minor > paid->second.amount.minor) {
          ++wrong;
          return {contracts::GatewayOutcome::refused, {}, {}, "more than was captured"};
        }
        paid->second.refunded += errand.amount.minor;
        return {contracts::GatewayOutcome::refunded, errand.amount, {}, {}};
      }
      case ErrandKind::payout:
        paid_out += errand.amount.minor;
        return {contracts::GatewayOutcome::refunded, errand.amount, {}, {}};
    }
    return {};
  }

  static GatewayReply said(const Paid& paid) {
    using contracts::GatewayOutcome;
    if (paid.state == "declined") return {GatewayOutcome::declined, {}, "gw", "no funds"};
    if (paid.state == "voided") return {GatewayOutcome::voided, {}, "gw", {}};
    if (paid.refunded == paid.amount.minor) return {GatewayOutcome::refunded, {}, "gw", {}};
    return {GatewayOutcome::captured, paid.amount, "gw", {}};
  }

  /// What it owes the shop.
  [[nodiscard]] std::int64_t holds() const {
    std::int64_t sum = 0;
    for (const auto& [reference, paid] : payments)
      if (paid.state == "captured") sum += paid.amount.minor - paid.refunded;
    return sum;
  }

  std::map<std::string, Paid> payments;
  std::map<contracts::ChangeId, GatewayReply> by_key;
  std::int64_t paid_out = 0;
  int calls = 0;
  int repeated = 0;
  int wrong = 0;  ///< refunds of more than it had: a shop that counts wrong
  bool refuses = false;
};

/// A caller of one process, driven by hand: calls are made when the test says so, and their answers
/// may be lost.
class StepCaller final : public worker::Caller {
 public:
  explicit StepCaller(GatewayBooks& books) : books_(books) {}

  [[nodiscard]] std::size_t room() const override { return open ? 8 - queue_.size() : 0; }
  void start(worker::Call call) override { queue_.push_back(std::move(call)); }
  [[nodiscard]] std::vector<worker::Answer> take() override { return std::exchange(answers_, {}); }
  [[nodiscard]] bool has_answers() const override { return !answers_.empty(); }

  /// Makes the next call; `answered`: its answer comes back.
  bool step(bool answered = true) {
    if (queue_.empty()) return false;
    const auto call = std::move(queue_.front());
    queue_.pop_front();
    const auto errand = contracts::decode<Errand>(call.request).value();
    const auto reply = books_.handle(errand);
    if (answered)
      answers_.push_back({call.id, call.shard, call.kind, call.request, contracts::encode(reply)});
    return true;
  }
  void step_all() {
    while (step()) {
    }
  }
  [[nodiscard]] std::size_t waiting() const { return queue_.size(); }

  bool open = true;

 private:
  GatewayBooks& books_;
  std::deque<worker::Call> queue_;
  std::vector<worker::Answer> answers_;
};

}  // namespace dropline::payments::testing
