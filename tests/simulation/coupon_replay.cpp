#include "coupon_replay.hpp"

#include "dropline/contracts/source_marks.hpp"
#include "dropline/worker/shard.hpp"
#include "stage.hpp"

namespace dropline::simulation {

using namespace contracts;  // NOLINT: messages are all this file is about

namespace {

class Reader final {
 public:
  explicit Reader(CouponReplay& out) : out_(out) {}

  void read(const stream::Record& record, const Envelope& envelope) {
    if (marks_.said_before(record.partition, envelope)) return;
    placed_ = {{record.partition, record.offset}, record.append_time};
    static_cast<void>(
        try_types<PutCampaign, PauseCampaign, ResumeCampaign, EndCampaign, IssueCoupon, GrantCoupon,
                  ReserveCoupon, RedeemCoupon, ReleaseCoupon>(envelope));
  }

 private:
  template <class... Ts>
  bool try_types(const Envelope& envelope) {
    return ((envelope.type == Ts::kType && (apply(decode<Ts>(envelope).value()), true)) || ...);
  }

  template <class Message>
  void answer(const Message& message) {
    if constexpr (!std::same_as<Message, std::monostate>)
      out_.answers[placed_.place.partition].push_back(std::string(Message::kType) + ' ' +
                                                      encode(message));
  }
  template <class... Ts>
  void answer(const std::variant<Ts...>& any) {
    std::visit([this](const auto& message) { this->answer(message); }, any);
  }
  template <class T>
  void answer(const std::optional<T>& message) {
    if (message) answer(*message);
  }

  void apply(const IssueCoupon& command) {
    const auto expected = why_none(command.campaign, command.member, false);
    const auto given = coupons::issue(out_.book, command, placed_);
    compare(given, expected);
    answer(given);
  }
  void apply(const GrantCoupon& command) {
    const bool again = out_.book.changes.contains(command.change);
    const auto expected = again ? "" : why_none(command.campaign, command.member, true);
    const auto given = coupons::grant(out_.book, command, placed_);
    if (!again) compare(given, expected);
    answer(given);
  }
  void apply(const ReserveCoupon& command) {
    answer(coupons::reserve(out_.book, command, placed_));
  }
  void apply(const RedeemCoupon& command) { answer(coupons::redeem(out_.book, command, placed_)); }
  void apply(const ReleaseCoupon& command) {
    answer(coupons::release(out_.book, command, placed_));
  }
  template <class T>
  void apply(const T& command) {
    const auto given = coupons::change(out_.book, command, placed_);
    if (const auto* changed = std::get_if<CampaignChanged>(&given)) {
      auto& line = out_.lines[command.campaign];
      line.standing = changed->standing;
      line.terms = changed->terms;
    }
    answer(given);
  }

  /// The line by hand: empty where the member now has the coupon.
  std::string why_none(const CampaignId& campaign, const MemberId& member, bool by_operator) {
    const auto found = out_.lines.find(campaign);
    if (found == out_.lines.end()) return "unknown_campaign";
    auto& [standing, terms, holders] = found->second;
    if (holders.contains(member)) return "";
    if (standing == CampaignStanding::ended) return "issue_ended";
    if (!by_operator) {
      if (placed_.at < terms.issue_from) return "not_open";
      if (placed_.at >= terms.issue_until) return "issue_ended";
      if (standing == CampaignStanding::paused) return "paused";
    }
    if (static_cast<std::int64_t>(holders.size()) == terms.quantity) return "sold_out";
    holders.emplace(member, placed_.place);
    return "";
  }
  void compare(const coupons::IssueAnswer& given, const std::string& expected) {
    const auto* refused = std::get_if<CouponRefused>(&given);
    const std::string is(refused ? to_text(refused->reason) : "");
    if (is != expected)
      out_.quarrels[placed_.place.partition].push_back(
          "offset " + std::to_string(placed_.place.offset) + " is '" + is + "', by hand '" +
          expected + "'");
  }

  CouponReplay& out_;
  coupons::Placed placed_;
  SourceMarks marks_;
};

}  // namespace

CouponReplay::CouponReplay(const TopicCopy& commands, const std::map<Place, std::string>& bad) {
  Reader reader(*this);
  for (std::int32_t p = 0; p < kPartitions; ++p)
    for (const auto& record : commands.partition(p)) {
      if (bad.contains({std::string(topic::kCouponsCommands), p, record.offset})) continue;
      if (const auto envelope = parse_envelope(record)) reader.read(record, *envelope);
    }
}

}  // namespace dropline::simulation
