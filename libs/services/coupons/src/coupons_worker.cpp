#include "dropline/coupons/coupons_worker.hpp"

#include "dropline/coupons/coupons_store.hpp"

namespace dropline::coupons {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

using Command = std::variant<PutCampaign, PauseCampaign, ResumeCampaign, EndCampaign, IssueCoupon,
                             GrantCoupon, ReserveCoupon, RedeemCoupon, ReleaseCoupon>;

struct Task {
  const worker::Incoming* incoming;
  Command command;
};

template <class T>
Result<Command> open_as(const worker::Incoming& incoming) {
  auto message = worker::open<T>(incoming);
  if (!message) return message.error();
  return Command(std::move(*message));
}

template <class... Ts>
Result<Command> open_any(const worker::Incoming& incoming, std::variant<Ts...>*) {
  Result<Command> out = error(Errc::unknown_type, "no command of coupons");
  static_cast<void>(
      ((incoming.envelope.type == Ts::kType && (out = open_as<Ts>(incoming), true)) || ...));
  return out;
}

template <class T>
void want(Wanted& wanted, const T& command) {
  if constexpr (requires { command.order_id; }) {
    wanted.coupons.push_back(command.coupon);
    wanted.uses.push_back({command.coupon, command.order_id});
  } else {
    wanted.campaigns.push_back(command.campaign);
    if constexpr (requires { command.member; })
      wanted.coupons.push_back(make_coupon_id(command.campaign, command.member));
    if constexpr (requires { command.change; }) wanted.changes.push_back(command.change);
  }
}

/// Decides each command by its rule and says what came of it.
struct Judge {
  Book& book;
  worker::Unit& unit;
  const worker::Incoming& incoming;

  [[nodiscard]] Placed placed() const {
    return {{incoming.record.partition, incoming.record.offset}, incoming.record.append_time};
  }
  template <class T>
  void say(const T& message) const {
    if constexpr (requires { message.order_id; })
      worker::emit(unit, incoming.shard, message, message.order_id.text(), &incoming);
    else
      worker::emit(unit, incoming.shard, message, {}, &incoming);
  }
  template <class... Ts>
  void say(const std::variant<Ts...>& answer) const {
    std::visit(
        [this]<class T>(const T& message) {
          if constexpr (!std::same_as<T, std::monostate>) say(message);
        },
        answer);
  }
  template <class T>
  void say(const std::optional<T>& answer) const {
    if (answer) say(*answer);
  }

  void operator()(const IssueCoupon& command) const { say(issue(book, command, placed())); }
  void operator()(const GrantCoupon& command) const { say(grant(book, command, placed())); }
  void operator()(const ReserveCoupon& command) const { say(reserve(book, command, placed())); }
  void operator()(const RedeemCoupon& command) const { say(redeem(book, command, placed())); }
  void operator()(const ReleaseCoupon& command) const { say(release(book, command, placed())); }
  template <class T>
  void operator()(const T& command) const {
    say(change(book, command, placed()));
  }
};

}  // namespace

CouponsWorker::CouponsWorker() {
  spec_.name = "coupons";
  spec_.anchor = topic::kCouponsCommands;
  spec_.topics = {
      worker::reads<PutCampaign, PauseCampaign, ResumeCampaign, EndCampaign, IssueCoupon,
                    GrantCoupon, ReserveCoupon, RedeemCoupon, ReleaseCoupon>(
          worker::TopicKind::commands)};
}

Status CouponsWorker::apply(std::span<const worker::Incoming> batch, worker::Unit& unit) {
  std::vector<Task> tasks;
  tasks.reserve(batch.size());
  Wanted wanted;
  for (const auto& incoming : batch) {
    auto command = open_any(incoming, static_cast<Command*>(nullptr));
    if (!command) {
      unit.dead_letter(incoming, command.error().code.message(), command.error().detail);
      continue;
    }
    std::visit([&wanted](const auto& c) { want(wanted, c); }, *command);
    tasks.push_back({&incoming, std::move(*command)});
  }
  if (tasks.empty()) return {};
  auto book = load(unit.session(), std::move(wanted));
  if (!book) return book.error();
  for (const auto& task : tasks)
    std::visit(Judge{*book, unit, *task.incoming}, task.command);
  return save(unit.session(), *book, unit.now());
}

}  // namespace dropline::coupons
