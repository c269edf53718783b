#pragma once

#include <algorithm>
#include <vector>

#include "dropline/base/random.hpp"
#include "dropline/contracts/catalog_commands.hpp"
#include "dropline/contracts/catalog_events.hpp"
#include "dropline/contracts/catalog_products.hpp"
#include "dropline/contracts/coupons_events.hpp"
#include "dropline/contracts/deliveries_events.hpp"
#include "dropline/contracts/ordering_commands.hpp"
#include "dropline/contracts/orders_commands.hpp"
#include "dropline/contracts/orders_events.hpp"
#include "dropline/contracts/payments_commands.hpp"
#include "dropline/contracts/payments_events.hpp"
#include "dropline/contracts/payments_outside.hpp"
#include "dropline/contracts/points_events.hpp"
#include "dropline/contracts/rankings_snapshots.hpp"
#include "dropline/contracts/stock_events.hpp"
#include "dropline/contracts/stock_levels.hpp"

/// Messages of any type with random content that decode() must accept.
class MessageMaker final {
 public:
  explicit MessageMaker(dropline::Random& random) : random_(random) {}

  template <class T>
  T make() {
    T message;
    fill(message);
    return message;
  }

  /// The visitor's face.
  template <class T>
  void operator()(std::string_view, T& member, auto... bounds) {
    if constexpr (dropline::contracts::codec::kIsOptional<T>) {
      if (random_.below(2) == 0) fill(member.emplace(), bounds...);
    } else {
      fill(member, bounds...);
    }
  }

 private:
  using Bounds = dropline::contracts::Bounds;
  using Money = dropline::Money;

  std::int64_t number(Bounds bounds) {
    const auto span =
        static_cast<std::uint64_t>(bounds.max) - static_cast<std::uint64_t>(bounds.min);
    switch (random_.below(4)) {
      case 0:
        return bounds.min;
      case 1:
        return bounds.max;
      default:
        return bounds.min + static_cast<std::int64_t>(random_.below(span + 1));
    }
  }

  template <class T>
  void fill(T& out, auto... bounds) {
    using namespace dropline;
    namespace codec = contracts::codec;
    if constexpr (codec::kIsId<T>) {
      out = T(random_.uuid4());
    } else if constexpr (contracts::NamedEnum<T>) {
      out = static_cast<T>(random_.below(names_of(T{}).size()));
    } else if constexpr (codec::kIsVector<T>) {
      const Bounds all[] = {bounds...};
      const auto most = std::min<std::int64_t>(all[0].max, all[0].min + 4);
      out.resize(static_cast<std::size_t>(number({all[0].min, most})));
      for (auto& element : out)
        fill(element);
    } else if constexpr (codec::Listed<T>) {
      T::fields(out, *this);
      settle(out);
    } else if constexpr (std::same_as<T, bool>) {
      out = random_.below(2) == 0;
    } else if constexpr (std::integral<T>) {
      out = static_cast<T>((number(bounds), ...));
    } else if constexpr (std::same_as<T, std::string>) {
      fill_text(out, bounds...);
    } else if constexpr (std::same_as<T, Sku>) {
      // Unlike every other in the message.
      out = *Sku::parse("S." + std::to_string(next_sku_++));
    } else if constexpr (std::same_as<T, Money>) {
      const Bounds all[] = {bounds..., contracts::kAmountBounds};
      out.minor = number({all[0].min, 1'000'000'000'000});
    } else if constexpr (std::same_as<T, Timestamp>) {
      out = from_unix_us(number({0, 7'000'000'000'000'000}));
    } else {
      static_assert(std::same_as<T, crypto::Digest>);
      random_.fill(out);
    }
  }

  void fill_text(std::string& out, Bounds bounds) {
    constexpr std::string_view kPieces[] = {"a", "Z",  "\"", "\\",   "/",         "\n", "\x01", " ",
                                            "é", "한", "😀",  "\x7F", "</script>", "{",  "]"};
    const auto length = number({bounds.min, std::min<std::int64_t>(bounds.max, 200)});
    for (std::int64_t i = 0; i < length; ++i) {
      auto piece = kPieces[random_.below(std::size(kPieces))];
      if (dropline::contracts::code_points(piece) > 1) piece = piece.substr(0, 1);
      out += piece;
    }
  }

  // What binds fields together.
  static void settle(auto& message) {
    using namespace dropline::contracts;
    if constexpr (requires { message.sealed; }) message.sealed = "s1.shop.AAAA";
    if constexpr (requires {
                    message.en;
                    message.ko;
                  })
      if (!message.en && !message.ko) message.ko = "이름";
    if constexpr (requires {
                    message.percent;
                    message.cap;
                  }) {
      if (message.amount) message.percent.reset();
      if (!message.amount && !message.percent) message.percent = 20;
      if (!message.percent) message.cap.reset();
    }
    if constexpr (requires { message.offers; }) settle_terms(message);
    if constexpr (requires { message.terms; }) settle_terms(message.terms);
    if constexpr (requires { message.lines.front().unit_price; })
      settle_priced(message.lines, message.total);
    if constexpr (requires { message.refunded_lines; })
      settle_refund(message.refunded_lines, message.refunded);
    if constexpr (
        requires { message.lines.front().amount; } &&
        !requires { message.lines.front().unit_price; })
      settle_refund(message.lines, message.amount);
    if constexpr (requires { message.delta; })
      if (message.delta == 0) message.delta = 1;
    if constexpr (requires {
                    message.orders;
                    message.drop;
                    message.member;
                  })
      settle_batch(message);
    if constexpr (requires {
                    message.command;
                    message.product;
                    message.drop;
                  }) {
      if (message.drop) message.product.reset();
      if (!message.drop) message.product.emplace();
    }
    if constexpr (
        requires { message.call; } ||
        requires {
          message.notice;
          message.charge;
        } ||
        requires {
          message.deposit;
          message.charge;
        }) {
      message.order_id.emplace();
      message.charge.reset();
    }
    if constexpr (requires {
                    message.call;
                    message.money_return;
                  })
      message.money_return.reset();
    if constexpr (requires { message.transaction; })
      message.deposit = deposit_id(message.transaction);
    if constexpr (requires { message.taken; }) {
      message.taken = message.amount;
      message.reason.reset();
    }
    if constexpr (requires { message.written_off; }) {
      message.free /= 4;
      message.allocated /= 4;
      message.written_off /= 4;
      message.settled = std::min(message.settled, message.allocated);
      message.supplied = message.free + message.allocated + message.written_off;
    }
  }
  static void settle_terms(dropline::contracts::DropTerms& terms) {
    if (terms.closes_at == terms.opens_at) terms.closes_at += std::chrono::seconds(1);
    if (terms.closes_at < terms.opens_at) std::swap(terms.opens_at, terms.closes_at);
    if (terms.product_limits) {
      terms.product_limits->resize(1);
      terms.product_limits->front().product = terms.offers.front().product;
    }
  }
  static void settle_terms(dropline::contracts::CampaignTerms& terms) {
    terms.issue_until = terms.issue_from + std::chrono::hours(1);
    terms.use_until = terms.use_from + std::chrono::hours(1);
  }
  static void settle_terms(auto& message) requires requires { message.opens_at; }
  { static_cast<void>(message); }
  static void settle_priced(auto& lines, Money& total) {
    total.minor = 0;
    for (auto& line : lines) {
      line.amount = *line.unit_price.times(line.quantity);
      total.minor += line.amount.minor;
    }
  }
  static void settle_refund(auto& lines, Money& amount) {
    amount.minor = 0;
    for (auto& line : lines)
      amount.minor += line.amount.minor;
  }
  static void settle_batch(auto& message) {
    if (message.drop) {
      message.member.reset();
      return;
    }
    message.member.emplace();
    if constexpr (requires { message.orders.front().member; })
      for (auto& order : message.orders)
        order.member = *message.member;
  }

  dropline::Random& random_;
  int next_sku_ = 0;
};
