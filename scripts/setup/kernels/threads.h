#ifndef DISTILLERY_KERNELS_THREADS_H_
#define DISTILLERY_KERNELS_THREADS_H_

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace tfnodejs {

// Runs parts of a loop on as many threads as the operations of TensorFlow use. Threads that wake up late find fewer parts left.
class Threads {
 public:
  static Threads &Shared() {
    // Never destroyed: threads of TensorFlow may still compute while the process ends.
    static Threads *threads = new Threads;
    return *threads;
  }

  // Each part runs once, in an order that is not certain. `backwards` begins with the last part.
  void For(int parts, const std::function<void(int)> &part, bool backwards = false) {
    if (backwards) {
      For(parts, [&](int i) { part(parts - 1 - i); });
      return;
    }
    std::unique_lock<std::mutex> turn(turn_, std::try_to_lock);
    if (parts == 1 || helpers_ == 0 || !turn.owns_lock()) {
      for (int i = 0; i < parts; i++) part(i);
      return;
    }
    auto loop = std::make_shared<Loop>(parts, part);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      loop_ = loop;
      round_++;
    }
    woken_.notify_all();
    loop->Work();
    // The last part of another thread is on its way, for some microseconds.
    while (loop->left.load(std::memory_order_acquire) > 0) std::this_thread::yield();
  }

 private:
  struct Loop {
    Loop(int count, const std::function<void(int)> &work) : parts(count), part(work), left(count) {}
    void Work() {
      for (int i = next++; i < parts; i = next++) {
        part(i);
        left.fetch_sub(1, std::memory_order_release);
      }
    }
    const int parts;
    // Lives as long as there are parts left.
    const std::function<void(int)> &part;
    std::atomic<int> next{0};
    std::atomic<int> left;
  };

  Threads() {
    const char *setting = std::getenv("TF_NUM_INTRAOP_THREADS");
    int count = setting == nullptr ? 0 : std::atoi(setting);
    if (count <= 0) count = static_cast<int>(std::thread::hardware_concurrency());
    helpers_ = std::max(0, count - 1);
    for (int i = 0; i < helpers_; i++) std::thread([this] { Help(); }).detach();
  }

  void Help() {
    uint64_t seen = 0;
    while (true) {
      std::shared_ptr<Loop> loop;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        woken_.wait(lock, [&] { return round_ != seen; });
        seen = round_;
        loop = loop_;
      }
      loop->Work();
    }
  }

  int helpers_ = 0;
  std::mutex turn_;
  std::mutex mutex_;
  std::condition_variable woken_;
  std::shared_ptr<Loop> loop_;
  uint64_t round_ = 0;
};

// Calls part(offset, length) for blocks of a tensor.
template <typename Part>
void InBlocks(int64_t elements, const Part &part) {
  constexpr int64_t kBlock = 1 << 14;
  int blocks = static_cast<int>((elements + kBlock - 1) / kBlock);
  Threads::Shared().For(blocks, [&](int block) {
    int64_t at = block * kBlock;
    part(at, std::min(kBlock, elements - at));
  });
}

}  // namespace tfnodejs

#endif  // DISTILLERY_KERNELS_THREADS_H_
