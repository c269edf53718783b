#include "replay.hpp"

#include "dropline/contracts/body_hash.hpp"
#include "dropline/contracts/outgoing.hpp"
#include "stage.hpp"

namespace dropline::simulation {

using namespace contracts;  // NOLINT: messages are all this file is about

namespace {

class Reader final {
 public:
  Reader(Replay& out, const CommandKeys& keys) : out_(out), keys_(keys) {}

  void read(const stream::Record& record) {
    record_ = &record;
    placed_ = {{record.partition, record.offset}, record.append_time};
    const auto envelope = parse_envelope(record);
    if (!envelope) return bury("bad_envelope");
    const bool known = try_types<PlaceOrder, OpenDrop, PauseDrop, ResumeDrop, EndDrop, Restock,
                                 CorrectStock, PutOffer, ReleaseUnits, SettleUnits>(*envelope);
    if (!known) bury("unknown_type");
  }

 private:
  template <class... Ts>
  bool try_types(const Envelope& envelope) {
    return ((envelope.type == Ts::kType && (take<Ts>(envelope), true)) || ...);
  }

  template <class T>
  void take(const Envelope& envelope) {
    const auto key = record_->key.value_or("");
    if (!check_partition(*find_topic(T::kTopic), key, record_->partition, kPartitions))
      return bury("wrong_key");
    if constexpr (Signed<T>) {
      if (!keys_.verify(envelope, key)) return bury("forbidden");
      if (said_before(envelope)) return;
    }
    const auto message = decode<T>(envelope);
    if (!message) return bury(message.error().code.message());
    if (key != message->partition_key()) return bury("wrong_key");
    if constexpr (std::same_as<T, PlaceOrder>)
      if (const auto verified = verify_place_order(*message); !verified)
        return bury(verified.error().code.message());
    apply(*message);
  }

  bool said_before(const Envelope& envelope) {
    const auto sequence = envelope.sequence();
    if (!envelope.shard() || !sequence) return false;
    const worker::Said said{sequence->seq, sequence->index};
    auto& marks = out_.watermarks[record_->partition];
    const auto [mark, fresh] =
        marks.try_emplace("orders.commands " + std::string(envelope.source), said);
    if (fresh) return false;
    if (said <= mark->second) return true;
    mark->second = said;
    return false;
  }

  void bury(std::string_view reason) {
    out_.dead.emplace(Place{topic::kOrdersCommands, record_->partition, record_->offset}, reason);
  }

  template <class Message>
  void answer(const Message& message) {
    if constexpr (!std::same_as<Message, std::monostate>)
      out_.answers[record_->partition].push_back(std::string(Message::kType) + ' ' +
                                                 encode(message));
  }
  template <class... Ts>
  void answer(const std::variant<Ts...>& any) {
    std::visit([this](const auto& message) { this->answer(message); }, any);
  }

  void apply(const PlaceOrder& order) {
    out_.wanted.orders.push_back(order.order_id);
    out_.wanted.members.emplace_back(order.drop, order.member);
    if (order.drop) return answer(stock::judge(out_.book, order, placed_));
    stock::Order row;
    row.id = order.order_id;
    row.member = order.member;
    row.body_hash = body_hash(order);
    row.first = placed_.place;
    out_.ordinary.emplace(order.order_id, std::move(row));
  }
  void apply(const ReleaseUnits& command) {
    if (!command.drop) return;
    for (const auto& released : stock::release(out_.book, command, placed_))
      answer(released);
  }
  void apply(const SettleUnits& command) {
    if (!command.drop) return;
    if (const auto settled = stock::settle(out_.book, command, placed_)) answer(*settled);
  }
  template <class T>
  void apply(const T& command) {
    out_.wanted.changes.push_back(command.change);
    if constexpr (requires { *command.drop; }) {
      if (!command.drop) {
        out_.wanted.offers.push_back({command.drop, command.sku});
        return;
      }
      out_.wanted.whole_drops.push_back(*command.drop);
    } else {
      out_.wanted.whole_drops.push_back(command.drop);
    }
    answer(stock::change(out_.book, command, placed_));
  }

  Replay& out_;
  const CommandKeys& keys_;
  const stream::Record* record_ = nullptr;
  stock::Placed placed_;
};

}  // namespace

Replay::Replay(const TopicCopy& commands, const CommandKeys& keys) {
  Reader reader(*this, keys);
  for (std::int32_t p = 0; p < kPartitions; ++p)
    for (const auto& record : commands.partition(p))
      reader.read(record);
}

}  // namespace dropline::simulation
