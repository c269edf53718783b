#pragma once

#include <string>
#include <string_view>

#include "dropline/store/database.hpp"
#include "letter_checks.hpp"
#include "outcomes.hpp"
#include "readers.hpp"
#include "speech_checks.hpp"

namespace dropline::audit {

/// The loop's tables, and rows whose owner follows from their key.
class LoopChecks final {
 public:
  LoopChecks(Outcomes& out, store::Session& session, std::int32_t partitions)
      : out_(out), session_(session), partitions_(partitions) {}
  static void announce(Outcomes& out);
  /// Both are nullptr where the log was not read.
  [[nodiscard]] Status finish(const SpeechChecks* speech, const LetterChecks* letters);

 private:
  using Key = std::pair<std::string, std::int32_t>;
  void check_shard(const Key& key, const worker::ShardRow& row, const Backlog& backlog,
                   const SpeechChecks* speech, const LetterChecks* letters);
  [[nodiscard]] Status check_held(const std::string& service);
  [[nodiscard]] Status check_owners();
  [[nodiscard]] Status check_owners(std::string_view table, std::string_view key,
                                    std::string_view where = {});

  Outcomes& out_;
  store::Session& session_;
  std::int32_t partitions_;
};

}  // namespace dropline::audit
