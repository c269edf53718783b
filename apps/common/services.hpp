#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/http_gateway.hpp"
#include "dropline/config/settings.hpp"
#include "dropline/worker/service.hpp"

namespace dropline::apps {

/// Every role, in the order in which an order visits the services.
[[nodiscard]] const std::vector<std::string>& roles();
/// With what the settings say of its terms. nullptr for an unknown role. `outside`: what payments
/// asks of gateway and bank, outliving the service; without it a shop in development believes
/// signed notices, and any other lets what it would ask wait.
[[nodiscard]] std::unique_ptr<worker::Service> make_service(std::string_view role,
                                                            const config::Settings& settings,
                                                            Process& process,
                                                            Outside* outside = nullptr);

}  // namespace dropline::apps
