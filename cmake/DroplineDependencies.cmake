# Every third-party package, found once. A room names the target it uses, PRIVATE.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED COMPONENTS core)
find_package(tomlplusplus CONFIG REQUIRED)
pkg_check_modules(RDKAFKA REQUIRED IMPORTED_TARGET rdkafka)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(LIBPQ REQUIRED IMPORTED_TARGET libpq)

# Debian's SOCI and RapidJSON ship no usable CMake package.
add_library(dropline_soci INTERFACE)
target_include_directories(dropline_soci SYSTEM INTERFACE
  /usr/include/soci /usr/include/postgresql)
target_link_libraries(dropline_soci INTERFACE
  soci_core soci_postgresql soci_sqlite3 PkgConfig::LIBPQ PkgConfig::SQLITE)
# Its libraries hide the type information that this one check of UBSan links against.
target_compile_options(dropline_soci INTERFACE -fno-sanitize=vptr)

add_library(dropline_rapidjson INTERFACE)
target_compile_definitions(dropline_rapidjson INTERFACE RAPIDJSON_HAS_STDSTRING=1)
