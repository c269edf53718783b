#include "dropline/base/ensure.hpp"
#include "dropline/base/ruling_clock.hpp"
#include "dropline/store/soci_session.hpp"
#include "postgresql.hpp"
#include "session_state.hpp"
#include "sqlite.hpp"
#include "translate.hpp"

namespace dropline::store {

Status Session::State::before(Seam seam, std::string_view statement) {
  if (broken) {
    return make(Errc::connection_lost, statement,
                "the session broke before and must be replaced by a new one");
  }
  if (doom) return *doom;
  if (options.faults != nullptr) {
    if (Status fault = options.faults->at(seam, statement); fault.has_error()) {
      const auto code = fault.error().code;
      if (code == Errc::connection_lost || code == Errc::commit_unknown) broken = true;
      return failed(fault.error());
    }
  }
  return {};
}

Error Session::State::failed(Error error) {
  if (!in_transaction) return error;
  if (!doom) doom = error;
  if (broken) transaction_lost = true;
  // Some errors (disk full, out of memory) make SQLite end the whole transaction.
  if (sqlite != nullptr && sqlite_api::sqlite3_get_autocommit(sqlite) != 0) transaction_lost = true;
  return error;
}

Error Session::State::make(Errc code, std::string_view statement, std::string_view what) const {
  std::string detail(statement);
  detail.append(" at ").append(name).append(": ").append(what);
  return error(code, std::move(detail));
}

void Session::State::forget_transaction() noexcept {
  in_transaction = false;
  transaction_lost = false;
  savepoints = 0;
  doom.reset();
}

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Dialect Session::dialect() const noexcept {
  return state_->dialect;
}
const std::string& Session::database() const noexcept {
  return state_->name;
}
bool Session::broken() const noexcept {
  return state_->broken;
}
bool Session::in_transaction() const noexcept {
  return state_->in_transaction;
}
soci::session& Session::soci() noexcept {
  return state_->session;
}

void* Session::native() noexcept {
  return state_->pg != nullptr ? static_cast<void*>(state_->pg)
                               : static_cast<void*>(state_->sqlite);
}

Result<Timestamp> Session::now() {
  static constexpr std::string_view kName = "clock";
  if (auto status = state_->before(Seam::statement, kName); status.has_error()) {
    return status.error();
  }
  if (state_->dialect == Dialect::sqlite) return state_->clock->now();
  const auto servers = postgresql::now(*state_);
  const auto* ruling = dynamic_cast<const RulingClock*>(state_->clock);
  if (!servers || ruling == nullptr) return servers;
  return ruling->instead_of(*servers);
}

Status Session::execute(std::string_view name, std::string_view sql) {
  if (auto status = state_->before(Seam::statement, name); status.has_error()) return status;
  return state_->dialect == Dialect::postgresql
             ? postgresql::execute(*state_, name, sql, Phase::write)
             : sqlite::execute(*state_, name, sql, Phase::write);
}

Status attempt(Session& session, std::string_view name,
               const std::function<void(soci::session&)>& body) {
  Session::State& state = session.state();
  if (auto status = state.before(Seam::statement, name); status.has_error()) return status;
  try {
    body(state.session);
    return {};
  } catch (...) {
    return state.failed(current_exception_error(state, name, Phase::write));
  }
}

}  // namespace dropline::store
