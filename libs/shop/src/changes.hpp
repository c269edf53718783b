#pragma once

#include "core.hpp"

/// What operators' changes have in common: a command with an id of its own, given to the log, and
/// its answer for those who wait.
namespace dropline::shop {

/// 202: the log has it.
[[nodiscard]] http::Response accepted(const contracts::ChangeId& change);

/// Answers an operator who waits for what a service said of the change; nullptr: nothing yet.
void respond_answer(const http::ExchangePtr& exchange, const contracts::ChangeId& change,
                    const ChangeAnswer* answer);

/// Gives the command to the log; answers when it is there or, with `Prefer: wait`, when it was
/// decided.
template <class Command>
void send(const CorePtr& core, const http::ExchangePtr& exchange, const Command& command) {
  const auto wait = patience(exchange->request(), core->options.max_wait);
  const auto change = command.change;
  const bool waits =
      wait > wait.zero() && core->answers.wait(change, core->parts.clock.steady() + wait,
                                               [exchange, change](const ChangeAnswer* answer) {
                                                 respond_answer(exchange, change, answer);
                                               });
  if (!waits) return send_command(core, exchange, command, {}, accepted(change));
  send_command(core, exchange, command, {}, std::nullopt);
  if (exchange->answered()) core->answers.cancel(change);
}

/// A command with its id and who gives it.
template <class Command>
Command begin(const CorePtr& core, const Caller& caller) {
  Command command;
  command.change = contracts::ChangeId(core->parts.random.uuid7(core->parts.clock.now()));
  command.actor = {contracts::ActorKind::admin, caller.member.text()};
  return command;
}

}  // namespace dropline::shop
