#include "figures.hpp"

namespace dropline::load {
namespace {

std::string_view told(std::string_view body, std::string_view name) {
  const auto at = body.find(name);
  if (at == std::string_view::npos) return {};
  const auto begin = at + name.size();
  const auto end = body.find('"', begin);
  return end == std::string_view::npos ? std::string_view() : body.substr(begin, end - begin);
}

}  // namespace

bool told_paid(const Answer& answer) {
  const auto state = told(answer.body, R"("state":")");
  return answer.status == 200 && (state == "paid" || state == "preparing");
}

std::string kind_of(const Answer& answer) {
  if (answer.status == 0) return "lost";
  const auto word = told(answer.body, answer.status < 300 ? R"("state":")" : R"("code":")");
  auto kind = std::to_string(answer.status);
  if (!word.empty()) kind.append(" ").append(word);
  return kind;
}

void Figures::add(const Answer& answer) {
  if (answer.intended < start_) return;
  ++kinds_[kind_of(answer)];
  if (answer.status == 0) return;
  const auto us =
      std::chrono::duration_cast<std::chrono::microseconds>(answer.answered - answer.intended)
          .count();
  latency_.add(us);
  const auto at = static_cast<std::size_t>(
      std::chrono::duration_cast<std::chrono::seconds>(answer.intended - start_).count());
  if (at >= seconds_.size()) seconds_.resize(at + 1);
  ++seconds_[at].answered;
  seconds_[at].latency.add(us);
}

}  // namespace dropline::load
