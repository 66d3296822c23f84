// The kernels of a GPU, run by threads of the CPU: a block is as many threads as the card would give it, which wait for
// one another where the card's do. No card is needed, and a race is one here, too.
#include <barrier>
#include <cmath>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

struct Place {
    unsigned x = 0;
};
static thread_local Place threadIdx, blockIdx;
static Place blockDim;
static std::unique_ptr<std::barrier<>> gate;

#define __device__
#define __global__
#define __shared__ static
static void __syncthreads() { gate->arrive_and_wait(); }
// What another of the threads holds, whose number differs in one bit: here over all of a block.
static float __shfl_xor_sync(unsigned, float mine, unsigned apart) {
    static float held[1024];
    held[threadIdx.x] = mine;
    __syncthreads();
    const float other = held[threadIdx.x ^ apart];
    __syncthreads();
    return other;
}
using std::isfinite;
static float rsqrtf(float x) { return 1.0f / std::sqrt(x); }

#include "../../shared/model/src/gpu/kernels.cu"

template <typename F> static void launch(unsigned blocks, unsigned threads, F kernel) {
    blockDim.x = threads;
    gate = std::make_unique<std::barrier<>>(threads);
    for (unsigned block = 0; block < blocks; block++) {
        std::vector<std::jthread> all;
        for (unsigned thread = 0; thread < threads; thread++)
            all.emplace_back([=] {
                blockIdx.x = block;
                threadIdx.x = thread;
                kernel();
            });
    }
}

// NAME(blocks, threads, what the kernel takes): for ctypes.
#define RUN(NAME, TAKES, GIVES)                                                                                       \
    extern "C" void run_##NAME TAKES { launch(blocks, threads, [=] { NAME##_f32 GIVES; }); }
#define GRID unsigned blocks, unsigned threads, float *out, const float *x

RUN(after_linear, (GRID, const float *bias, const float *residual, int columns, int gelu),
    (out, x, bias, residual, columns, gelu))
RUN(gelu_back, (GRID, const float *inside, const float *bias, int columns), (out, x, inside, bias, columns))
RUN(layer_norm, (GRID, const float *weight, const float *bias, int columns, float eps),
    (out, x, weight, bias, columns, eps))
RUN(layer_norm_back, (GRID, const float *from, const float *weight, int columns, float eps),
    (out, x, from, weight, columns, eps))
RUN(layer_norm_terms, (GRID, const float *from, int columns, float eps), (out, x, from, columns, eps))
RUN(softmax, (GRID, int columns, float scale), (out, x, columns, scale))
RUN(softmax_back, (GRID, const float *shares, int columns, float scale), (out, x, shares, columns, scale))
RUN(swap_middle, (GRID, int columns, int first, int second, int inside, int apart, int from),
    (out, x, columns, first, second, inside, apart, from))
RUN(drop, (GRID, int columns, unsigned long long number, unsigned long long below, float raised),
    (out, x, columns, number, below, raised))
RUN(squares, (GRID, size_t count), (out, x, count))
RUN(adam_w, (GRID, float *mean, float *square, float *lost, size_t count, float factor, float kept, float fresh1,
    float fresh2, float beta2, float size, float root, float epsilon),
    (out, x, mean, square, lost, count, factor, kept, fresh1, fresh2, beta2, size, root, epsilon))
