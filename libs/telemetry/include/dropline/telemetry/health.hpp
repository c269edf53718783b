#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/base/clock.hpp"

namespace dropline::telemetry {

/// Why a component is not ready, for the person who is called at night.
struct Problem {
  std::string cause;  ///< "no broker answers at 127.0.0.1:9092"
  std::string cure;   ///< "start it: scripts/kafka start"; may be empty
};

/// Whether this process may be given work: what /readyz says. Components are asked (add) or tell
/// (component). Any thread; made by main(), must outlive registrations and components.
class Health final {
 public:
  /// nullopt: ready. Called on the thread that asks, by one thread at a time; must be quick (look
  /// at a flag, not at a network) and must not call this object. One that throws counts as not
  /// ready, with what it threw as the cause.
  using Check = std::function<std::optional<Problem>()>;

  enum class Effect {
    required,     ///< not ready: the process is not ready
    informative,  ///< shown, but the process takes work all the same
  };

  /// Takes the check or component back when destroyed; from then on it is not being asked.
  class Registration final {
   public:
    Registration() = default;
    Registration(Registration&& other) noexcept;
    Registration& operator=(Registration&& other) noexcept;
    ~Registration();

   private:
    friend class Health;
    Registration(Health* health, std::uint64_t id) : health_(health), id_(id) {}
    Health* health_ = nullptr;
    std::uint64_t id_ = 0;
  };

  /// A component that says itself how it is. Starts as not ready ("starting"). Any thread.
  class Component final {
   public:
    Component() = default;
    void ok();
    void failed(std::string cause, std::string cure = {});

   private:
    friend class Health;
    struct State;
    std::shared_ptr<State> state_;
    Registration registration_;
  };

  struct Line {
    std::string component;
    Effect effect = Effect::required;
    std::optional<Problem> problem;
    /// How long it has been so, as far as it was asked.
    std::chrono::milliseconds since{0};
  };
  struct Report {
    bool ready = false;
    std::vector<Line> lines;  ///< by name

    /// "[+] stream: ok" and "[-] database: … for 12 s; <cure>", a line each, then a verdict.
    [[nodiscard]] std::string text() const;
    [[nodiscard]] std::string json() const;
    /// 200 or 503.
    [[nodiscard]] int http_status() const noexcept { return ready ? 200 : 503; }
  };

  explicit Health(const Clock& clock);
  ~Health();
  Health(const Health&) = delete;
  Health& operator=(const Health&) = delete;

  [[nodiscard]] Registration add(std::string component, Check check,
                                 Effect effect = Effect::required);
  /// For ports whose health() is a sentence, empty while all is well.
  [[nodiscard]] Registration add_text(std::string component, std::function<std::string()> health,
                                      std::string cure = {}, Effect effect = Effect::required);
  [[nodiscard]] Component component(std::string name, Effect effect = Effect::required);

  /// From now on not ready, whatever the components say: the process is draining. Not taken back.
  void drain();

  /// Asks everyone. A process without components is ready.
  [[nodiscard]] Report report();
  [[nodiscard]] bool ready() { return report().ready; }

 private:
  void remove(std::uint64_t id) noexcept;

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dropline::telemetry
