// What people do beside ordering and paying: coupons, goods on their way, things given back.
#include "dropline/contracts/coupons_events.hpp"
#include "dropline/contracts/deliveries_commands.hpp"
#include "dropline/contracts/orders_events.hpp"
#include "dropline/stream/partitioner.hpp"
#include "traffic.hpp"

namespace dropline::simulation {

using namespace contracts;  // NOLINT: messages are all this file is about
using namespace std::chrono_literals;

namespace {

const Actor kOperator{ActorKind::admin, "ann"};

Money won(std::int64_t amount) {
  return {amount, Currency::parse("KRW").value()};
}

/// Without an entry where there is none.
template <class T>
const T* one_of(const std::vector<T>& all, Random& random) {
  return all.empty() ? nullptr : &all[random.below(all.size())];
}

template <class Command, class Sale>
Command of_order(const Sale& sale, ChangeId change) {
  Command command;
  command.change = change;
  command.order_id = sale.order;
  command.member = sale.member;
  command.actor = kOperator;
  return command;
}

}  // namespace

/// Few coupons, by amount or percent, some good only for large orders or for a short while.
PutCampaign Traffic::promise(std::size_t campaign) {
  PutCampaign command;
  command.change = new_change();
  command.campaign = campaigns_[campaign];
  auto& terms = command.terms;
  terms.name.en = "welcome";
  terms.quantity = static_cast<std::int64_t>(1 + random_.below(5));
  if (random_.below(2) == 0) {
    terms.discount.amount = won(static_cast<std::int64_t>(1 + random_.below(1'500)));
  } else {
    terms.discount.percent = static_cast<std::int32_t>(1 + random_.below(100));
    if (random_.below(2) == 0)
      terms.discount.cap = won(static_cast<std::int64_t>(1 + random_.below(900)));
  }
  terms.least_order = won(random_.below(3) == 0 ? 2'000 : 0);
  terms.issue_from = opens_at_ - std::chrono::milliseconds(random_.below(2'000));
  terms.issue_until = opens_at_ + 4s + std::chrono::milliseconds(random_.below(40'000));
  terms.use_from = opens_at_ - 1s;
  terms.use_until = opens_at_ + 6s + std::chrono::milliseconds(random_.below(60'000));
  command.actor = kOperator;
  return command;
}

/// Mostly one that the member has, which may be used up or with another order.
std::optional<CouponId> Traffic::some_coupon(const MemberId& member) {
  if (random_.below(60) == 0) return CouponId(random_.uuid4());
  if (random_.below(30) == 0)
    return make_coupon_id(campaigns_[random_.below(campaigns_.size())], anybody());
  const auto had = coupons_.find(member);
  if (had == coupons_.end()) return std::nullopt;
  return had->second[random_.below(had->second.size())];
}

/// Several at once want what few can have; some of them ask twice.
void Traffic::rush() {
  const auto& campaign = campaigns_[random_.below(campaigns_.size())];
  for (auto wishes = 1 + random_.below(6); wishes > 0; --wishes) {
    const IssueCoupon wish{campaign, anybody()};
    ask(wish);
    if (random_.below(6) == 0) ask(wish);
  }
  if (random_.below(10) == 0) ask(IssueCoupon{CampaignId(random_.uuid4()), anybody()});
}

void Traffic::run_campaigns() {
  const auto number = random_.below(campaigns_.size());
  const auto switched = [&]<class Command>(Command command) {
    command.change = new_change();
    command.campaign = campaigns_[number];
    command.reason = "because";
    command.actor = kOperator;
    console_.say(outgoing(command));
  };
  switch (random_.below(8)) {
    case 0:
      return switched(PauseCampaign());
    case 1:
      return random_.below(6) == 0 ? switched(EndCampaign()) : switched(ResumeCampaign());
    case 2:
    case 3:
      return switched(ResumeCampaign());
    case 4:
    case 5:
      return console_.say(outgoing(promise(number)));
    default: {
      GrantCoupon grant;
      grant.change = new_change();
      grant.campaign = campaigns_[number];
      grant.member = anybody();
      grant.reason = "a faithful member";
      grant.actor = kOperator;
      ask(grant);
      if (random_.below(3) == 0) ask(grant);
    }
  }
}

/// Operators and couriers, now and then about an order that is not theirs to move.
void Traffic::send_goods() {
  const auto* sale = one_of(sales_, random_);
  if (sale == nullptr) return;
  const auto act = random_.below(8);
  if (act < 4) {
    auto ship = of_order<ShipDelivery>(*sale, new_change());
    ship.carrier = random_.below(2) == 0 ? "cj" : "own-van";
    ship.waybill = "10000000" + std::to_string(10 + random_.below(4));
    if (random_.below(12) == 0) ship.waybill = "?";
    if (random_.below(20) == 0) ship.order_id = OrderId(random_.uuid4());
    ask(ship);
    shipped_.push_back(*sale);
    return;
  }
  if (const auto* sent = one_of(shipped_, random_)) sale = sent;
  if (act == 4) {
    auto correct = of_order<CorrectWaybill>(*sale, new_change());
    correct.carrier = "own-van";
    correct.waybill = "2000" + std::to_string(random_.below(4));
    correct.reason = "misread";
    return ask(correct);
  }
  const auto deliver = of_order<DeliverDelivery>(*sale, new_change());
  ask(deliver);
  if (random_.below(4) == 0) ask(deliver);
  delivered_.push_back(*sale);
}

/// Of what was delivered: all that is left, a line, some units of it; more than there is; twice.
void Traffic::give_back() {
  const auto* again = one_of(refunds_, random_);
  if (again != nullptr && random_.below(5) == 0) return ask(*again);
  const auto* sale = one_of(random_.below(8) == 0 ? sales_ : delivered_, random_);
  if (sale == nullptr) return;
  RefundOrder refund;
  refund.refund = RefundId(random_.uuid4());
  refund.order_id = sale->order;
  refund.member = sale->member;
  refund.actor = {ActorKind::member, sale->member.text()};
  if (random_.below(10) == 0) refund.actor = kOperator;
  if (random_.below(3) != 0) {
    const auto& line = sale->lines[random_.below(sale->lines.size())];
    const auto most = static_cast<std::uint64_t>(line.quantity) + (random_.below(8) == 0 ? 1 : 0);
    refund.lines = {{line.sku, static_cast<std::int32_t>(1 + random_.below(most))}};
  }
  refunds_.push_back(refund);
  ask(refund);
  if (random_.below(6) == 0) ask(refund);
}

/// More time for all that wait, of a drop or of ordinary orders: a copy for each partition.
void Traffic::extend() {
  ExtendDeadlines command;
  command.change = new_change();
  if (random_.below(4) != 0) command.drop = drops_[random_.below(drops_.size())];
  command.until = clock_.now() + std::chrono::milliseconds(1'000 + random_.below(12'000));
  command.reason = "an outage";
  command.actor = kOperator;
  std::array<bool, kPartitions> reached{};
  for (std::int32_t left = kPartitions; left > 0; ++command.copy) {
    auto& there = reached.at(
        static_cast<std::size_t>(stream::partition_of(command.partition_key(), kPartitions)));
    if (std::exchange(there, true)) continue;
    ask(command);
    --left;
  }
}

void Traffic::follow_coupons() {
  const auto batch = coupons_told_.poll(cluster_->line(0), 100);
  if (!batch) return;
  for (const auto& record : batch->records()) {
    const auto envelope = parse_envelope(record);
    if (!envelope || envelope->type != CouponIssued::kType) continue;
    if (const auto issued = decode<CouponIssued>(*envelope))
      coupons_[issued->member].push_back(issued->coupon);
  }
}

void Traffic::follow_sales() {
  const auto batch = sales_told_.poll(cluster_->line(0), 100);
  if (!batch) return;
  for (const auto& record : batch->records()) {
    const auto envelope = parse_envelope(record);
    if (!envelope || envelope->type != OrderPaid::kType) continue;
    if (const auto paid = decode<OrderPaid>(*envelope))
      sales_.push_back({paid->order_id, paid->member, paid->drop, paid->lines});
  }
}

}  // namespace dropline::simulation
