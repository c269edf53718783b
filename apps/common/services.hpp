#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/config/settings.hpp"
#include "dropline/worker/service.hpp"

namespace dropline::apps {

/// Every role, in the order in which an order visits the services.
[[nodiscard]] const std::vector<std::string>& roles();
/// With what the settings say of its terms. nullptr for an unknown role.
[[nodiscard]] std::unique_ptr<worker::Service> make_service(std::string_view role,
                                                            const config::Settings& settings);

}  // namespace dropline::apps
