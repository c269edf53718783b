#include "translate.hpp"

#include <exception>
#include <new>

namespace dropline::store {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
    text.remove_suffix(1);
  return text;
}

std::string_view field(const PGresult* result, int code) {
  const char* text = result == nullptr ? nullptr : PQresultErrorField(result, code);
  return text == nullptr ? std::string_view() : std::string_view(text);
}

std::string_view cure(Errc code) {
  switch (code) {
    case Errc::unreachable:
      return "is the server running there, and has it connections left?";
    case Errc::commit_unknown:
      return "look at the tables: the work is there, or it is not";
    case Errc::disk_full:
      return "free space where the database lies; it will be tried again";
    case Errc::refused:
      return "check user, password and database name";
    case Errc::not_a_database:
      return "restore the file from a backup, or give another";
    default:
      return {};
  }
}

std::string with_cure(std::string_view what, Errc code) {
  std::string text(trimmed(what));
  if (const auto advice = cure(code); !advice.empty()) text.append("; ").append(advice);
  return text;
}

Errc lost_code(const Session::State& state, Phase phase) {
  if (phase == Phase::commit) return Errc::commit_unknown;
  if (phase == Phase::write && !state.in_transaction) return Errc::commit_unknown;
  return Errc::connection_lost;
}

}  // namespace

Errc errc_of_sqlstate(std::string_view sqlstate) noexcept {
  struct Entry {
    std::string_view prefix;
    Errc code;
  };
  // The first prefix that fits counts.
  static constexpr Entry kEntries[] = {
      {"08", Errc::connection_lost},   {"21", Errc::constraint},
      {"22", Errc::bad_value},         {"23", Errc::constraint},
      {"25006", Errc::read_only},      {"25P03", Errc::connection_lost},
      {"25", Errc::bad_statement},     {"28", Errc::refused},
      {"3D", Errc::refused},           {"40P01", Errc::deadlock},
      {"40002", Errc::constraint},     {"40003", Errc::commit_unknown},
      {"40", Errc::serialization},     {"53100", Errc::disk_full},
      {"53300", Errc::unreachable},    {"53", Errc::out_of_memory},
      {"54", Errc::bad_value},         {"55P03", Errc::busy},
      {"57014", Errc::timed_out},      {"57", Errc::connection_lost},
      {"72000", Errc::serialization},  {"P0", Errc::constraint},
      {"XX001", Errc::not_a_database}, {"XX002", Errc::not_a_database},
      {"0A", Errc::bad_statement},     {"26", Errc::bad_statement},
      {"3F", Errc::bad_statement},     {"42", Errc::bad_statement},
      {"2B", Errc::bad_statement},     {"55", Errc::bad_statement},
  };
  for (const auto& [prefix, code] : kEntries) {
    if (sqlstate.starts_with(prefix)) return code;
  }
  return Errc::failed;
}

Errc errc_of_sqlite(int code, std::string_view message) noexcept {
  switch (code) {  // where the extended code says more
    case SQLITE_BUSY_SNAPSHOT:
      return Errc::serialization;
    case SQLITE_CONSTRAINT_DATATYPE:
      return Errc::bad_value;
    case SQLITE_IOERR_NOMEM:
      return Errc::out_of_memory;
    case SQLITE_IOERR_SHMSIZE:
      return Errc::disk_full;
    default:
      break;
  }
  switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return Errc::busy;
    case SQLITE_ABORT:
    case SQLITE_SCHEMA:
      return Errc::serialization;
    case SQLITE_INTERRUPT:
      return Errc::timed_out;
    case SQLITE_NOMEM:
      return Errc::out_of_memory;
    case SQLITE_FULL:
      return Errc::disk_full;
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return Errc::read_only;
    case SQLITE_CORRUPT:
    case SQLITE_FORMAT:
    case SQLITE_NOTADB:
      return Errc::not_a_database;
    case SQLITE_CANTOPEN:
      return Errc::bad_config;
    case SQLITE_CONSTRAINT:
      return Errc::constraint;
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
      return Errc::bad_value;
    case SQLITE_AUTH:
    case SQLITE_RANGE:
      return Errc::bad_statement;
    case SQLITE_ERROR:
      // Its code for everything else: only the words tell a value from a statement.
      return message == "integer overflow" || message.starts_with("malformed JSON")
                 ? Errc::bad_value
                 : Errc::bad_statement;
    default:
      return Errc::failed;
  }
}

Errc errc_of_connect_message(std::string_view message) noexcept {
  const auto says = [&](std::string_view words) {
    return message.find(words) != std::string_view::npos;
  };
  const bool unknown_name = says("does not exist") && (says("database \"") || says("role \""));
  if (says("invalid port number") || (says("invalid ") && says(" value"))) return Errc::bad_config;
  return unknown_name || says("authentication failed") || says("no pg_hba.conf entry") ||
                 says("no password supplied") || says("permission denied for database")
             ? Errc::refused
             : Errc::unreachable;
}

Error postgresql_error(Session::State& state, std::string_view statement, const PGresult* result,
                       Phase phase) {
  const std::string_view sqlstate = field(result, PG_DIAG_SQLSTATE);
  const std::string_view severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  const bool ended = state.silent || result == nullptr || severity == "FATAL" ||
                     severity == "PANIC" || PQstatus(state.pg) != CONNECTION_OK;
  std::string what(trimmed(field(result, PG_DIAG_MESSAGE_PRIMARY)));
  if (what.empty() && state.silent) what = "the server did not answer within its time";
  if (what.empty()) what = trimmed(PQerrorMessage(state.pg));
  if (const auto detail = field(result, PG_DIAG_MESSAGE_DETAIL); !detail.empty()) {
    what.append("; ").append(detail);
  }
  if (ended) {
    state.broken = true;
    const Errc code = lost_code(state, phase);
    return state.make(code, statement, with_cure(what.empty() ? "connection lost" : what, code));
  }
  const Errc code = errc_of_sqlstate(sqlstate);
  if (code == Errc::connection_lost || code == Errc::commit_unknown) state.broken = true;
  if (sqlstate == "42P01" || sqlstate == "3F000") what += "; were the migrations applied?";
  return state.make(code, statement, with_cure(what, code));
}

Error sqlite_error(Session::State& state, std::string_view statement, Phase phase) {
  const int code = sqlite_api::sqlite3_extended_errcode(state.sqlite);
  std::string what(sqlite_api::sqlite3_errmsg(state.sqlite));
  Errc errc = errc_of_sqlite(code, what);
  // The last page may have reached the file although its fsync failed.
  if (phase == Phase::commit && (code & 0xFF) == SQLITE_IOERR && errc == Errc::failed) {
    errc = Errc::commit_unknown;
    state.broken = true;
  }
  if ((code & 0xFF) == SQLITE_CANTOPEN) what += "; does its folder exist, and may we write there?";
  if (what.starts_with("no such table")) what += "; were the migrations applied?";
  return state.make(errc, statement, with_cure(what, errc));
}

Error current_exception_error(Session::State& state, std::string_view statement, Phase phase) {
  try {
    throw;
  } catch (const ErrorException& known) {
    return known.error();
  } catch (const soci::postgresql_soci_error& thrown) {
    if (PQstatus(state.pg) != CONNECTION_OK) {
      state.broken = true;
      const Errc code = lost_code(state, phase);
      return state.make(code, statement, with_cure(thrown.what(), code));
    }
    const Errc code = errc_of_sqlstate(thrown.sqlstate());
    if (code == Errc::connection_lost || code == Errc::commit_unknown) state.broken = true;
    return state.make(code, statement, with_cure(thrown.what(), code));
  } catch (const soci::sqlite3_soci_error& thrown) {
    const Errc code = errc_of_sqlite(thrown.result(), thrown.what());
    return state.make(code, statement, with_cure(thrown.what(), code));
  } catch (const soci::soci_error& thrown) {
    if (state.pg != nullptr && PQstatus(state.pg) != CONNECTION_OK) {
      state.broken = true;
      const Errc code = lost_code(state, phase);
      return state.make(code, statement, with_cure(thrown.what(), code));
    }
    // SOCI itself: a null without an indicator, a type that does not convert, a name not bound.
    return state.make(Errc::bad_statement, statement, thrown.what());
  } catch (const std::bad_alloc&) {
    return state.make(Errc::out_of_memory, statement, "this process is out of memory");
  } catch (const std::exception& thrown) {
    return state.make(Errc::failed, statement, thrown.what());
  }
}

}  // namespace dropline::store
