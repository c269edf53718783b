// Boost.JSON, compiled here once; nothing has to be installed beside the program.
#include <boost/json/src.hpp>
