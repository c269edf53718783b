#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dropline/base/clock.hpp"
#include "dropline/base/random.hpp"
#include "dropline/contracts/orders_commands.hpp"
#include "dropline/contracts/outgoing.hpp"
#include "dropline/stream/memory.hpp"
#include "faults.hpp"
#include "plan.hpp"

namespace dropline::simulation {

inline constexpr std::int32_t kPartitions = 3;

/// Another service as the log sees it: says one thing at a time, and again until it is known to be
/// in the log, so that its copies may double but never overtake.
class Teller final {
 public:
  Teller(stream::MemoryStream& stream, const contracts::CommandKeys& keys, const Clock& clock,
         std::string source);

  void say(contracts::Outgoing message) { waiting_.push_back(std::move(message)); }
  void pump();
  [[nodiscard]] bool idle() const { return waiting_.empty(); }

 private:
  enum class Answer : std::uint8_t { none, awaited, taken, lost };

  stream::MemoryStream& stream_;
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

/// Everybody outside: shoppers who do as they like, operators, an ordering service that settles and
/// releases, and people who write to the topic what does not belong there.
class Traffic final {
 public:
  Traffic(std::uint64_t seed, const Plan& plan, const Clock& clock,
          const std::shared_ptr<stream::MemoryLog>& log, const contracts::CommandKeys& keys,
          Coverage& coverage);

  void act();   ///< somebody does something
  void pump();  ///< answers come in, what was lost is said again
  void heal() { healed_ = true; }
  [[nodiscard]] bool idle() const { return catalog_.idle() && ordering_.idle(); }

  /// Places of orders that were acknowledged: they must be there at the end.
  [[nodiscard]] const std::vector<std::pair<std::int32_t, std::int64_t>>& acknowledged() const {
    return acknowledged_;
  }

 private:
  struct Granted {
    OrderId order;
    MemberId member;
    std::optional<DropId> drop;
  };

  void open_shop();
  void place_order();
  void place_again();
  void cheat();
  void garbage();
  void copy();
  void operate();
  void order_on();
  void follow();
  contracts::OpenDrop terms(std::size_t drop);
  contracts::PlaceOrder new_order();
  contracts::ChangeId new_change() { return contracts::ChangeId(random_.uuid4()); }
  void send(const contracts::Outgoing& message, bool sign = false,
            std::optional<std::string> key = {}, std::optional<std::int32_t> partition = {});
  void send_raw(const stream::Draft& draft);
  stream::Producer& producer();
  template <class Command>
  Command of_offer();
  template <class Command>
  void switch_drop();
  template <class Command, class Named>
  void return_or_settle();

  SeededRandom random_;
  SeededRandom network_;
  const Plan& plan_;
  const Clock& clock_;
  const contracts::CommandKeys& keys_;
  Coverage& coverage_;
  stream::MemoryStream stream_;
  Teller catalog_;
  Teller ordering_;
  std::unique_ptr<stream::Producer> producer_;
  std::unique_ptr<stream::Consumer> events_;
  std::unique_ptr<stream::Consumer> commands_;

  std::vector<MemberId> members_;
  std::vector<DropId> drops_;
  std::vector<ProductId> products_;
  std::vector<Sku> skus_;
  std::vector<contracts::PlaceOrder> placed_;
  std::vector<Granted> granted_;
  std::vector<std::pair<std::int32_t, std::int64_t>> acknowledged_;
  Timestamp opens_at_;
  std::uint64_t said_ = 0;
  std::uint64_t keys_used_ = 0;
  bool healed_ = false;
};

}  // namespace dropline::simulation
