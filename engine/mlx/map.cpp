// Files mapped read-only. Arrays over a map share its ownership, so memory is
// unmapped when the map is closed and the last array is gone.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "shim_internal.h"

using namespace qm;

namespace {

struct Mapping {
  void* data = nullptr;
  size_t size = 0;
  ~Mapping() {
    if (data) {
      munmap(data, size);
    }
  }
};

std::shared_ptr<Mapping> open_mapping(const char* path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    bad(std::strerror(errno));
  }
  auto m = std::make_shared<Mapping>();
  struct stat st {};
  const char* why = nullptr;
  if (fstat(fd, &st) != 0) {
    why = std::strerror(errno);
  } else if (!S_ISREG(st.st_mode)) {
    why = "not a regular file";
  } else if (st.st_size == 0) {
    why = "the file is empty";
  } else {
    void* p = mmap(nullptr, static_cast<size_t>(st.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) {
      why = std::strerror(errno);
    } else {
      m->data = p;
      m->size = static_cast<size_t>(st.st_size);
    }
  }
  close(fd);
  if (why) {
    bad(why);
  }
  return m;
}

} // namespace

struct qm_map_s {
  std::shared_ptr<Mapping> m;
};

extern "C" {

qm_map qm_map_open(const char* path) {
  return guard([&] { return new qm_map_s{open_mapping(path)}; }, static_cast<qm_map>(nullptr));
}

size_t qm_map_size(qm_map m) {
  return m->m->size;
}

const void* qm_map_data(qm_map m) {
  return m->m->data;
}

void qm_map_close(qm_map m) {
  delete m;
}

qm_array qm_map_array(qm_map m, size_t offset, int dtype, const int* shape, int ndim) {
  return make([&] {
    auto d = dtype_of(dtype);
    auto s = shape_of(shape, ndim);
    char* p = static_cast<char*>(m->m->data) + offset;
    if (offset % mx::size_of(d) != 0) {
      size_t n = mx::size_of(d);
      for (auto x : s) {
        n *= static_cast<size_t>(x);
      }
      auto buf = mx::allocator::malloc(n);
      std::memcpy(buf.buffer().raw_ptr(), p, n);
      return mx::array(std::move(buf), std::move(s), d);
    }
    return mx::array(p, std::move(s), d, [hold = m->m](void*) {});
  });
}

} // extern "C"
