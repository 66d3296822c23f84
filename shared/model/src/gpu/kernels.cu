// What a transformer does between its products, on a GPU. candle has all of it in pieces: each goes through the
// memory once more, and where a row meets a matrix it divides every number's index to find its place, which costs
// more than the memory. Here a block of threads takes a row, and nothing is divided.
//
// Numbers are f32 while they are computed, whatever they are in memory. A function writes `out`, as many rows of
// `columns` values as there are blocks, and reads as many of `x`; what else it reads may be absent where it says so.
// The same passes stand in passes.rs for the CPU, and tests/python/test_gpu_kernels.py runs these with threads of it.

#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

// Sixteen bytes, which one thread moves at once.
template <typename T> struct alignas(16) Pack {
    static constexpr int COUNT = 16 / sizeof(T);
    T values[COUNT];
};

template <typename T> __device__ bool in_packs(const T *from) {
    return reinterpret_cast<unsigned long long>(from) % sizeof(Pack<T>) == 0;
}

// Calls f(column) for the columns of this thread in its block's row, by packs where all rows begin with one.
template <typename T, typename F> __device__ void each_pack(int columns, bool whole, F f) {
    constexpr int COUNT = Pack<T>::COUNT;
    if (whole && columns % COUNT == 0) {
        for (int c = threadIdx.x * COUNT; c < columns; c += blockDim.x * COUNT) f(c, true);
    } else {
        for (int c = threadIdx.x; c < columns; c += blockDim.x) f(c, false);
    }
}

template <typename T> __device__ Pack<T> load(const T *from, bool pack) {
    if (pack) return *reinterpret_cast<const Pack<T> *>(from);
    Pack<T> one;
    one.values[0] = *from;
    return one;
}

template <typename T> __device__ void store(T *to, const Pack<T> &values, bool pack) {
    if (pack) *reinterpret_cast<Pack<T> *>(to) = values;
    else *to = values.values[0];
}

// The sum over the threads of a block, of which there is a power of two, for each of them.
__device__ float sum_of_block(float mine) {
    __shared__ float sums[1024];
    __syncthreads();
    sums[threadIdx.x] = mine;
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    }
    __syncthreads();
    return sums[0];
}

// Calls f with a number of each column of this thread, and gives the sum over the row.
template <typename F> __device__ float sum_of_row(int columns, F f) {
    float sum = 0.0f;
    for (int c = threadIdx.x; c < columns; c += blockDim.x) sum += f(c);
    return sum_of_block(sum);
}

// The largest over the threads of a block.
__device__ float largest_of_block(float mine) {
    __shared__ float most[1024];
    __syncthreads();
    most[threadIdx.x] = mine;
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) most[threadIdx.x] = fmaxf(most[threadIdx.x], most[threadIdx.x + half]);
    }
    __syncthreads();
    return most[0];
}

// Of the standard normal distribution: the share below x, and the density.
__device__ float share_below(float x) { return 0.5f * erfcf(-x * 0.70710678f); }
__device__ float density(float x) { return 0.39894228f * expf(-0.5f * x * x); }

// x + bias, then GELU or + residual; bias and residual may be absent.
template <typename T>
__device__ void after_linear(T *out, const T *x, const T *bias, const T *residual, int columns, int gelu) {
    const size_t row = size_t(blockIdx.x) * columns;
    const bool whole = in_packs(out) && in_packs(x) && in_packs(bias) && in_packs(residual);
    each_pack<T>(columns, whole, [&](int c, bool pack) {
        Pack<T> values = load(x + row + c, pack);
        Pack<T> more, beside;
        if (bias) more = load(bias + c, pack);
        if (residual) beside = load(residual + row + c, pack);
        for (int i = 0; i < (pack ? Pack<T>::COUNT : 1); i++) {
            float value = float(values.values[i]);
            if (bias) value += float(more.values[i]);
            if (gelu) value *= share_below(value);
            if (residual) value += float(beside.values[i]);
            values.values[i] = T(value);
        }
        store(out + row + c, values, pack);
    });
}

// By inside + bias, of what has the gradient x by GELU(inside + bias); bias may be absent.
template <typename T> __device__ void gelu_back(T *out, const T *x, const T *inside, const T *bias, int columns) {
    const size_t row = size_t(blockIdx.x) * columns;
    const bool whole = in_packs(out) && in_packs(x) && in_packs(inside) && in_packs(bias);
    each_pack<T>(columns, whole, [&](int c, bool pack) {
        Pack<T> values = load(x + row + c, pack);
        const Pack<T> places = load(inside + row + c, pack);
        Pack<T> more;
        if (bias) more = load(bias + c, pack);
        for (int i = 0; i < (pack ? Pack<T>::COUNT : 1); i++) {
            const float at = float(places.values[i]) + (bias ? float(more.values[i]) : 0.0f);
            values.values[i] = T(float(values.values[i]) * (share_below(at) + at * density(at)));
        }
        store(out + row + c, values, pack);
    });
}

// The mean of a row, and 1 / √(variance + eps).
struct Spread {
    float mean, scale;
};

template <typename T> __device__ Spread spread(const T *row, int columns, float eps) {
    const float mean = sum_of_row(columns, [&](int c) { return float(row[c]); }) / columns;
    // About the mean: the difference of two large sums would lose what eps keeps.
    const float squares = sum_of_row(columns, [&](int c) {
        const float d = float(row[c]) - mean;
        return d * d;
    });
    return {mean, rsqrtf(squares / columns + eps)};
}

// (x − mean) / √(variance + eps) · weight + bias.
template <typename T>
__device__ void layer_norm(T *out, const T *x, const T *weight, const T *bias, int columns, float eps) {
    const size_t row = size_t(blockIdx.x) * columns;
    const Spread is = spread(x + row, columns, eps);
    for (int c = threadIdx.x; c < columns; c += blockDim.x)
        out[row + c] = T((float(x[row + c]) - is.mean) * is.scale * float(weight[c]) + float(bias[c]));
}

// By `from`, of what has the gradient x by the layer norm of `from`.
template <typename T>
__device__ void layer_norm_back(T *out, const T *x, const T *from, const T *weight, int columns, float eps) {
    const size_t row = size_t(blockIdx.x) * columns;
    const Spread is = spread(from + row, columns, eps);
    const auto normed = [&](int c) { return (float(from[row + c]) - is.mean) * is.scale; };
    const auto h = [&](int c) { return float(x[row + c]) * float(weight[c]); };
    const float even = sum_of_row(columns, h) / columns;
    const float along = sum_of_row(columns, [&](int c) { return h(c) * normed(c); }) / columns;
    for (int c = threadIdx.x; c < columns; c += blockDim.x)
        out[row + c] = T((h(c) - even - normed(c) * along) * is.scale);
}

// What the gradient by the weight is the sum of over rows, where x is that by the layer norm of `from`.
template <typename T> __device__ void layer_norm_terms(T *out, const T *x, const T *from, int columns, float eps) {
    const size_t row = size_t(blockIdx.x) * columns;
    const Spread is = spread(from + row, columns, eps);
    for (int c = threadIdx.x; c < columns; c += blockDim.x)
        out[row + c] = T(float(x[row + c]) * (float(from[row + c]) - is.mean) * is.scale);
}

// exp(x · scale) over its sum.
template <typename T> __device__ void softmax(T *out, const T *x, int columns, float scale) {
    const size_t row = size_t(blockIdx.x) * columns;
    float most = -INFINITY;
    for (int c = threadIdx.x; c < columns; c += blockDim.x) most = fmaxf(most, float(x[row + c]) * scale);
    most = largest_of_block(most);
    const auto power = [&](int c) { return expf(float(x[row + c]) * scale - most); };
    const float all = sum_of_row(columns, power);
    for (int c = threadIdx.x; c < columns; c += blockDim.x) out[row + c] = T(power(c) / all);
}

// By the scores, of what has the gradient x by their softmax, `shares`.
template <typename T> __device__ void softmax_back(T *out, const T *x, const T *shares, int columns, float scale) {
    const size_t row = size_t(blockIdx.x) * columns;
    const float along = sum_of_row(columns, [&](int c) { return float(x[row + c]) * float(shares[row + c]); });
    for (int c = threadIdx.x; c < columns; c += blockDim.x)
        out[row + c] = T(float(shares[row + c]) * (float(x[row + c]) - along) * scale);
}

// (…, first, second, inside) to (…, second, first, inside): a block for each of the first, whose row is all of the
// second.
template <typename T> __device__ void swap_middle(T *out, const T *x, int columns, int first, int second, int inside) {
    const size_t outer = blockIdx.x / first, at = blockIdx.x % first;
    const bool whole = inside % Pack<T>::COUNT == 0 && in_packs(out) && in_packs(x);
    each_pack<T>(columns, whole, [&](int c, bool pack) {
        const size_t to = ((outer * second + c / inside) * first + at) * inside + c % inside;
        store(out + to, load(x + size_t(blockIdx.x) * columns + c, pack), pack);
    });
}

// The finaliser of SplitMix64 (Steele, Lea & Flood 2014).
__device__ unsigned long long mixed(unsigned long long z) {
    z += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

// 0 where the number of a value, mixed, lies below a bound, and raised elsewhere.
template <typename T>
__device__ void drop(T *out, const T *x, int columns, unsigned long long number, unsigned long long below,
                     float raised) {
    const size_t row = size_t(blockIdx.x) * columns;
    for (int c = threadIdx.x; c < columns; c += blockDim.x)
        out[row + c] = T(float(x[row + c]) * (mixed(number + row + c) < below ? 0.0f : raised));
}

// Named as the program asks for them: after_linear_bf16.
#define PASSES(T, OF)                                                                                                 \
    extern "C" __global__ void after_linear_##OF(T *out, const T *x, const T *bias, const T *residual, int columns,   \
        int gelu) {                                                                                                   \
        after_linear(out, x, bias, residual, columns, gelu);                                                          \
    }                                                                                                                 \
    extern "C" __global__ void gelu_back_##OF(T *out, const T *x, const T *inside, const T *bias, int columns) {      \
        gelu_back(out, x, inside, bias, columns);                                                                     \
    }                                                                                                                 \
    extern "C" __global__ void layer_norm_##OF(T *out, const T *x, const T *weight, const T *bias, int columns,       \
        float eps) {                                                                                                  \
        layer_norm(out, x, weight, bias, columns, eps);                                                               \
    }                                                                                                                 \
    extern "C" __global__ void layer_norm_back_##OF(T *out, const T *x, const T *from, const T *weight, int columns,  \
        float eps) {                                                                                                  \
        layer_norm_back(out, x, from, weight, columns, eps);                                                          \
    }                                                                                                                 \
    extern "C" __global__ void layer_norm_terms_##OF(T *out, const T *x, const T *from, int columns, float eps) {     \
        layer_norm_terms(out, x, from, columns, eps);                                                                 \
    }                                                                                                                 \
    extern "C" __global__ void softmax_##OF(T *out, const T *x, int columns, float scale) {                           \
        softmax(out, x, columns, scale);                                                                              \
    }                                                                                                                 \
    extern "C" __global__ void softmax_back_##OF(T *out, const T *x, const T *shares, int columns, float scale) {     \
        softmax_back(out, x, shares, columns, scale);                                                                 \
    }                                                                                                                 \
    extern "C" __global__ void swap_middle_##OF(T *out, const T *x, int columns, int first, int second, int inside) { \
        swap_middle(out, x, columns, first, second, inside);                                                          \
    }                                                                                                                 \
    extern "C" __global__ void drop_##OF(T *out, const T *x, int columns, unsigned long long number,                  \
        unsigned long long below, float raised) {                                                                     \
        drop(out, x, columns, number, below, raised);                                                                 \
    }

PASSES(float, f32)
#ifdef __CUDACC__
PASSES(__half, f16)
PASSES(__nv_bfloat16, bf16)
#endif
