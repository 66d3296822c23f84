// What a transformer does between its products, on a GPU. candle has all of it in pieces: each goes through the
// memory once more, and where a row meets a matrix it divides every number's index to find its place, which costs
// more than the memory. Here a block of threads takes a row, and hardly anything is divided.
//
// Numbers are f32 while they are computed, whatever they are in memory. A function writes `out`, as many rows of
// `columns` values as there are blocks, and reads as many of `x`; what else it reads may be absent where it says so.
// What an optimiser does has no rows: a block takes a piece.
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

// What f makes of the numbers of all threads of a block, two by two, for each of them: first within each 32 threads,
// which see each other's without waiting. There is a power of two of them, 32 at least.
template <typename F> __device__ float over_block(float mine, F f) {
    __shared__ float parts[32];
    for (int apart = 16; apart > 0; apart /= 2) mine = f(mine, __shfl_xor_sync(0xffffffffu, mine, apart));
    __syncthreads();
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = mine;
    __syncthreads();
    float all = parts[0];
    for (unsigned part = 1; part < blockDim.x / 32; part++) all = f(all, parts[part]);
    return all;
}

__device__ float sum_of_block(float mine) {
    return over_block(mine, [](float a, float b) { return a + b; });
}

__device__ float largest_of_block(float mine) {
    return over_block(mine, [](float a, float b) { return fmaxf(a, b); });
}

// Whether all rows begin where a pack does.
template <typename T, typename... Rows> __device__ bool all_in_packs(const T *first, const Rows *...others) {
    return in_packs(first) && (in_packs(others) && ...);
}

// The sum over a row of f(column, value).
template <typename T, typename F> __device__ float sum_of_row(const T *row, int columns, bool whole, F f) {
    float sum = 0.0f;
    each_pack<T>(columns, whole, [&](int c, bool pack) {
        const Pack<T> values = load(row + c, pack);
        for (int i = 0; i < (pack ? Pack<T>::COUNT : 1); i++) sum += f(c + i, float(values.values[i]));
    });
    return sum_of_block(sum);
}

// Writes f(column, value, value of the other row) for a row; the other may be the same.
template <typename T, typename F>
__device__ void write_row(T *out, const T *row, const T *other, int columns, bool whole, F f) {
    each_pack<T>(columns, whole, [&](int c, bool pack) {
        Pack<T> values = load(row + c, pack);
        const Pack<T> others = load(other + c, pack);
        for (int i = 0; i < (pack ? Pack<T>::COUNT : 1); i++)
            values.values[i] = T(f(c + i, float(values.values[i]), float(others.values[i])));
        store(out + c, values, pack);
    });
}

// Of the standard normal distribution: the share below x, and the density.
__device__ float share_below(float x) { return 0.5f * erfcf(-x * 0.70710678f); }
__device__ float density(float x) { return 0.39894228f * expf(-0.5f * x * x); }

// x + bias, then GELU or + residual; bias and residual may be absent.
template <typename T>
__device__ void after_linear(T *out, const T *x, const T *bias, const T *residual, int columns, int gelu) {
    const size_t row = size_t(blockIdx.x) * columns;
    const bool whole = all_in_packs(out, x, bias, residual);
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
    const bool whole = all_in_packs(out, x, inside, bias);
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

template <typename T> __device__ Spread spread(const T *row, int columns, bool whole, float eps) {
    const float mean = sum_of_row(row, columns, whole, [&](int, float x) { return x; }) / columns;
    // About the mean: the difference of two large sums would lose what eps keeps.
    const float squares = sum_of_row(row, columns, whole, [&](int, float x) { return (x - mean) * (x - mean); });
    return {mean, rsqrtf(squares / columns + eps)};
}

// (x − mean) / √(variance + eps) · weight + bias.
template <typename T>
__device__ void layer_norm(T *out, const T *x, const T *weight, const T *bias, int columns, float eps) {
    const size_t row = size_t(blockIdx.x) * columns;
    const bool whole = all_in_packs(out, x, weight);
    const Spread is = spread(x + row, columns, whole, eps);
    write_row(out + row, x + row, weight, columns, whole, [&](int c, float x, float weight) {
        return (x - is.mean) * is.scale * weight + float(bias[c]);
    });
}

// By `from`, of what has the gradient x by the layer norm of `from`.
template <typename T>
__device__ void layer_norm_back(T *out, const T *x, const T *from, const T *weight, int columns, float eps) {
    const size_t row = size_t(blockIdx.x) * columns;
    const bool whole = all_in_packs(out, x, from);
    const Spread is = spread(from + row, columns, whole, eps);
    const auto normed = [&](float from) { return (from - is.mean) * is.scale; };
    const auto h = [&](int c, float x) { return x * float(weight[c]); };
    const float even = sum_of_row(x + row, columns, whole, h) / columns;
    const float along = sum_of_row(x + row, columns, whole, [&](int c, float x) {
        return h(c, x) * normed(float(from[row + c]));
    }) / columns;
    write_row(out + row, x + row, from + row, columns, whole, [&](int c, float x, float from) {
        return (h(c, x) - even - normed(from) * along) * is.scale;
    });
}

// What the gradient by the weight is the sum of over rows, where x is that by the layer norm of `from`.
template <typename T> __device__ void layer_norm_terms(T *out, const T *x, const T *from, int columns, float eps) {
    const size_t row = size_t(blockIdx.x) * columns;
    const bool whole = all_in_packs(out, x, from);
    const Spread is = spread(from + row, columns, whole, eps);
    write_row(out + row, x + row, from + row, columns, whole, [&](int, float x, float from) {
        return x * (from - is.mean) * is.scale;
    });
}

// Values of a row that a thread keeps, so that each is read and raised once; rows that are longer are read again.
constexpr int KEPT = 8;

// exp(x · scale) over its sum.
template <typename T> __device__ void softmax(T *out, const T *x, int columns, float scale) {
    const size_t row = size_t(blockIdx.x) * columns;
    float kept[KEPT], most = -INFINITY, sum = 0.0f;
    for (int i = 0; i < KEPT; i++) {
        const int c = threadIdx.x + i * blockDim.x;
        kept[i] = c < columns ? float(x[row + c]) * scale : -INFINITY;
        most = fmaxf(most, kept[i]);
    }
    const int first = KEPT * blockDim.x + threadIdx.x;
    for (int c = first; c < columns; c += blockDim.x) most = fmaxf(most, float(x[row + c]) * scale);
    most = largest_of_block(most);
    const auto power = [&](int c) { return expf(float(x[row + c]) * scale - most); };
    for (int i = 0; i < KEPT; i++) sum += kept[i] = expf(kept[i] - most);
    for (int c = first; c < columns; c += blockDim.x) sum += power(c);
    const float share = 1.0f / sum_of_block(sum);
    for (int i = 0; i < KEPT; i++) {
        const int c = threadIdx.x + i * blockDim.x;
        if (c < columns) out[row + c] = T(kept[i] * share);
    }
    for (int c = first; c < columns; c += blockDim.x) out[row + c] = T(power(c) * share);
}

// By the scores, of what has the gradient x by their softmax, `shares`.
template <typename T> __device__ void softmax_back(T *out, const T *x, const T *shares, int columns, float scale) {
    const size_t row = size_t(blockIdx.x) * columns;
    float kept[KEPT], beside[KEPT], along = 0.0f;
    for (int i = 0; i < KEPT; i++) {
        const int c = threadIdx.x + i * blockDim.x;
        kept[i] = c < columns ? float(x[row + c]) : 0.0f;
        beside[i] = c < columns ? float(shares[row + c]) : 0.0f;
        along += kept[i] * beside[i];
    }
    const int first = KEPT * blockDim.x + threadIdx.x;
    for (int c = first; c < columns; c += blockDim.x) along += float(x[row + c]) * float(shares[row + c]);
    along = sum_of_block(along);
    for (int i = 0; i < KEPT; i++) {
        const int c = threadIdx.x + i * blockDim.x;
        if (c < columns) out[row + c] = T(beside[i] * (kept[i] - along) * scale);
    }
    for (int c = first; c < columns; c += blockDim.x)
        out[row + c] = T(float(shares[row + c]) * (float(x[row + c]) - along) * scale);
}

// (…, first, second, inside) to (…, second, first, inside): a block for each of the first, whose row is all of the
// second. Rows of x lie `apart` values from each other, the first one `from` its beginning.
template <typename T>
__device__ void swap_middle(T *out, const T *x, int columns, int first, int second, int inside, int apart, int from) {
    const size_t outer = blockIdx.x / first, at = blockIdx.x % first;
    const T *row = x + size_t(blockIdx.x) * apart + from;
    const bool whole = inside % Pack<T>::COUNT == 0 && apart % Pack<T>::COUNT == 0 && all_in_packs(out, row);
    each_pack<T>(columns, whole, [&](int c, bool pack) {
        const size_t to = ((outer * second + c / inside) * first + at) * inside + c % inside;
        store(out + to, load(row + c, pack), pack);
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
    write_row(out + row, x + row, x + row, columns, all_in_packs(out, x), [&](int c, float x, float) {
        return x * (mixed(number + row + c) < below ? 0.0f : raised);
    });
}

// Numbers of which a block makes its own.
constexpr size_t PIECE = 2048;

// Calls f with the number of each value of this thread in its block's piece of `count` values.
template <typename F> __device__ void each_of_piece(size_t count, F f) {
    const size_t first = size_t(blockIdx.x) * PIECE, end = first + PIECE < count ? first + PIECE : count;
    for (size_t i = first + threadIdx.x; i < end; i += blockDim.x) f(i);
}

// The sum of the squares of each piece.
extern "C" __global__ void squares_f32(float *out, const float *x, size_t count) {
    float sum = 0.0f;
    each_of_piece(count, [&](size_t i) { sum += x[i] * x[i]; });
    sum = sum_of_block(sum);
    if (threadIdx.x == 0) out[blockIdx.x] = sum;
}

// A step of AdamW: values and both moments change where they lie. `lost` becomes no number if a value does.
extern "C" __global__ void adam_w_f32(float *values, const float *gradient, float *mean, float *square, float *lost,
    size_t count, float factor, float kept, float fresh1, float fresh2, float beta2, float size, float root,
    float epsilon) {
    each_of_piece(count, [&](size_t i) {
        const float g = gradient[i] * factor;
        const float m = mean[i] + (g - mean[i]) * fresh1, v = square[i] * beta2 + g * g * fresh2;
        const float value = values[i] * kept - size * m / (sqrtf(v) / root + epsilon);
        mean[i] = m, square[i] = v, values[i] = value;
        if (!isfinite(value)) *lost = NAN;
    });
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
    extern "C" __global__ void swap_middle_##OF(T *out, const T *x, int columns, int first, int second, int inside,   \
        int apart, int from) {                                                                                        \
        swap_middle(out, x, columns, first, second, inside, apart, from);                                             \
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
