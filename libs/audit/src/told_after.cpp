#include "told_after.hpp"

#include <algorithm>

#include "dropline/contracts/codec.hpp"
#include "dropline/contracts/orders_events.hpp"
#include "dropline/ordering/ordering.hpp"

namespace dropline::audit {
namespace {

using namespace contracts;  // NOLINT: messages are what this file compares

std::uint64_t print_of(const std::string& text) {
  return std::hash<std::string>{}(text);
}
std::string text_of(const Money& money) {
  return std::to_string(money.minor) + ' ' + std::string(money.currency.text());
}
std::uint64_t print_of(const std::vector<PricedLine>& lines) {
  std::string text;
  for (const auto& line : lines)
    text += encode(line);
  return print_of(text);
}
std::uint64_t print_of(const RefundId& refund, const Money& amount,
                       const std::vector<RefundLine>& lines, const Actor& actor,
                       const std::optional<std::string>& reason) {
  auto text = refund.text() + text_of(amount) + encode(actor) + reason.value_or("");
  for (const auto& line : lines)
    text += encode(line);
  return print_of(text);
}

/// What the steps that come after a reservation may say; each says some of it.
struct Step {
  std::optional<std::vector<PricedLine>> lines;
  std::optional<Money> discount;
  std::optional<SealedText> delivery;
  std::optional<RefundId> refund;
  std::optional<Money> refunded;
  std::optional<Money> refunded_total;
  std::optional<std::vector<RefundLine>> refunded_lines;
  TimelineEntry entry;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("lines", self.lines, Bounds{0, kMaxLines});
    visit("discount", self.discount);
    visit("delivery", self.delivery);
    visit("refund", self.refund);
    visit("refunded", self.refunded);
    visit("refunded_total", self.refunded_total);
    visit("refunded_lines", self.refunded_lines, Bounds{0, kMaxLines});
    visit("entry", self.entry);
  }
};

/// The same in ordering's row.
struct Kept {
  std::optional<std::vector<PricedLine>> lines;
  std::optional<SealedText> delivery;
  std::optional<ordering::CouponFacts> coupon_facts;
  std::optional<ordering::GoodsFacts> goods;
  std::optional<std::vector<ordering::Refund>> given_back;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("lines", self.lines, Bounds{0, kMaxLines});
    visit("delivery", self.delivery);
    visit("coupon_facts", self.coupon_facts);
    visit("goods", self.goods);
    visit("given_back", self.given_back, Bounds{0, ordering::kMaxRefunds});
  }
};

/// Who sent it, and who said that it arrived, stand in the timeline too.
void compare_goods(const ordering::GoodsFacts& goods, const std::vector<TimelineEntry>& timeline,
                   const std::function<void(std::string)>& blame) {
  const auto look = [&](OrderState state, const Actor& actor) {
    const auto entry = std::ranges::find(timeline, state, &TimelineEntry::state);
    if (entry != timeline.end() && !(entry->actor == actor))
      blame("its timeline names another who said that it was " + std::string(to_text(state)));
  };
  if (goods.shipped) look(OrderState::shipped, goods.shipped->actor);
  if (goods.delivered) look(OrderState::delivered, goods.delivered->actor);
}

void compare_coupon(const ToldAfter& told, const ordering::CouponFacts& coupon, OrderState state,
                    const std::vector<TimelineEntry>& timeline,
                    const std::function<void(std::string)>& blame) {
  if (told.discount != 0 &&
      (!coupon.reserved || print_of(text_of(coupon.reserved->discount)) != told.discount))
    blame("its coupon's discount is not the one that was told");
  if (state == OrderState::coupon_refused && !timeline.empty() &&
      (!coupon.declined || timeline.back().reason != std::string(to_text(coupon.declined->reason))))
    blame("its coupon was declined for another reason than was told");
}

}  // namespace

void ToldAfter::take(const Envelope& envelope) {
  if (envelope.type == OrderRejected::kType) return;
  const auto step = decode<Step>(envelope.body);
  if (!step) return;
  if (step->lines) lines = print_of(*step->lines);
  if (step->discount) discount = print_of(text_of(*step->discount));
  if (step->delivery) delivery = print_of(encode(*step->delivery));
  if (!step->refund || !step->refunded || !step->refunded_lines) return;
  refunds += print_of(*step->refund, *step->refunded, *step->refunded_lines, step->entry.actor,
                      step->entry.reason);
  if (step->refunded_total) refunded = step->refunded_total->minor;
}

void compare(const ToldAfter& told, std::string_view facts, std::int64_t refunded, OrderState state,
             const std::vector<TimelineEntry>& timeline,
             const std::function<void(std::string)>& blame) {
  const auto kept = decode<Kept>(facts);
  if (state == OrderState::rejected) return;
  if (!kept) return blame(kept.error().detail);
  // A reservation's lines get their discounts before the step that tells of them.
  if (told.lines != 0 && state != OrderState::reserved && kept->lines &&
      print_of(*kept->lines) != told.lines)
    blame("prices or discounts of its lines are not those that were told");
  if (told.delivery != 0 && (!kept->delivery || print_of(encode(*kept->delivery)) != told.delivery))
    blame("it is to be sent to somebody else than was told");
  if (kept->coupon_facts) compare_coupon(told, *kept->coupon_facts, state, timeline, blame);
  if (kept->goods) compare_goods(*kept->goods, timeline, blame);
  std::uint64_t refunds = 0;
  std::int64_t given_back = 0;
  for (const auto& refund : kept->given_back.value_or(std::vector<ordering::Refund>())) {
    if (refund.state != ordering::RefundState::refunded) continue;
    refunds += print_of(refund.refund, refund.amount, refund.lines, refund.actor, refund.reason);
    given_back += refund.amount.minor;
  }
  if (refunds != told.refunds) blame("its refunds are not those that were told");
  if (kept->given_back && (refunded != given_back || refunded != told.refunded))
    blame("refunded is " + std::to_string(refunded) + ", its refunds sum to " +
          std::to_string(given_back) + ", told was " + std::to_string(told.refunded));
}

}  // namespace dropline::audit
