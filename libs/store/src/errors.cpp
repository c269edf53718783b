#include "dropline/store/errors.hpp"

namespace dropline::store {
namespace {

class StoreCategory final : public ErrorCategory {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "store"; }

  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<Errc>(code)) {
      case Errc::unreachable:
        return "database unreachable";
      case Errc::connection_lost:
        return "connection lost";
      case Errc::commit_unknown:
        return "commit outcome unknown";
      case Errc::deadlock:
        return "deadlock";
      case Errc::serialization:
        return "serialization failure";
      case Errc::busy:
        return "lock not available";
      case Errc::timed_out:
        return "statement timed out";
      case Errc::disk_full:
        return "disk full";
      case Errc::out_of_memory:
        return "out of memory";
      case Errc::constraint:
        return "constraint violated";
      case Errc::bad_value:
        return "bad value";
      case Errc::bad_statement:
        return "bad statement";
      case Errc::too_many_rows:
        return "too many rows";
      case Errc::bad_config:
        return "bad database address";
      case Errc::refused:
        return "access refused";
      case Errc::not_a_database:
        return "not a database";
      case Errc::read_only:
        return "read only";
      case Errc::bad_migration:
        return "bad migration";
      case Errc::schema_too_new:
        return "schema too new";
      case Errc::schema_too_old:
        return "schema too old";
      case Errc::failed:
        return "failed";
    }
    return "unknown";
  }

  [[nodiscard]] Severity severity(int code) const noexcept override {
    switch (static_cast<Errc>(code)) {
      case Errc::unreachable:
      case Errc::connection_lost:
      case Errc::commit_unknown:
      case Errc::deadlock:
      case Errc::serialization:
      case Errc::busy:
      case Errc::timed_out:
      case Errc::disk_full:
      case Errc::out_of_memory:
        return Severity::transient;
      case Errc::constraint:
      case Errc::bad_value:
      case Errc::bad_statement:
      case Errc::too_many_rows:
        return Severity::permanent;
      default:
        return Severity::fatal;
    }
  }
};

}  // namespace

const ErrorCategory& category() noexcept {
  static const StoreCategory kCategory;
  return kCategory;
}

}  // namespace dropline::store
