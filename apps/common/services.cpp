#include "common/services.hpp"

#include "dropline/stock/stock_worker.hpp"

namespace dropline::apps {

const std::vector<std::string>& roles() {
  static const std::vector<std::string> roles{"stock"};
  return roles;
}

std::unique_ptr<worker::Service> make_service(std::string_view role) {
  if (role == "stock") return std::make_unique<stock::StockWorker>();
  return nullptr;
}

}  // namespace dropline::apps
