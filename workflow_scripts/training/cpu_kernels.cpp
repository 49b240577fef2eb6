// Element-wise work of a student's step on a CPU, each piece in one pass over its rows.
//
// Matrix products stay with the library. Everything else is memory traffic and exponentials, which take over half of
// a small student's step when they are done one operation at a time. Plain loops: the compiler vectorises them for
// whatever processor it runs on. Values are bf16 in memory and fp32 in registers; weights of norms are fp32.
// Shapes: B sequences, T positions, H heads, K key-value heads, D head width, V vocabulary; rows = B * T.
#include <bit>
#include <cmath>
#include <cstdint>

using i64 = std::int64_t;

// What is in memory: bf16, or fp32 with -DFP32 for processors without products in bf16.
#ifdef FP32
using real = float;
static inline float up(real x) { return x; }
static inline real down(float x) { return x; }
static constexpr real MINUS_INFINITY = -INFINITY;
#else
struct real {
    std::uint16_t bits;
};
static inline float up(real x) { return std::bit_cast<float>(std::uint32_t(x.bits) << 16); }
static inline real down(float x) {  // to nearest, ties to even; the NaN that processors make stays one
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
    return {std::uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}
static constexpr real MINUS_INFINITY = {0xff80};
#endif

// 2^x for x up to 127; below -126 it stays at 2^-126. A Chebyshev polynomial of degree 5 between whole powers: relative
// error below 3e-7.
static inline float power_of_two(float x) {
    x = x < -126.0f ? -126.0f : x;
    const float n = std::nearbyint(x), f = x - n;
    float p = 1.3390863e-3f;
    p = p * f + 9.6760319e-3f;
    p = p * f + 5.5503571e-2f;
    p = p * f + 2.4022107e-1f;
    p = p * f + 6.9314719e-1f;
    p = p * f + 1.0000001f;
    return std::bit_cast<float>(std::bit_cast<std::int32_t>(p) + (std::int32_t(n) << 23));
}

static constexpr float LOG2_E = 1.44269504f;

static inline i64 whole(i64 count, i64 limit) {  // up to a multiple of the widest vectors
    const i64 rounded = (count + 31) / 32 * 32;
    return rounded < limit ? rounded : limit;
}

static inline float sigmoid(float x) { return 1.0f / (1.0f + power_of_two(-LOG2_E * (x < -87.0f ? -87.0f : x))); }

// Rows in as many contiguous parts as there are threads, each with scratch memory of its own.
#define IN_PARALLEL _Pragma("omp parallel for num_threads(threads) if (threads > 1)")
#define EACH_PART IN_PARALLEL for (int part = 0; part < threads; ++part)
#define EACH_ROW for (i64 r = rows * part / threads; r < rows * (part + 1) / threads; ++r)

// exp(scale * (row[j] - max)) of `seen` values into `out`; returns the sum. `peak` becomes the row's maximum.
static inline float exponentials(const real* row, i64 seen, float scale, float* out, float& peak) {
    float top = -INFINITY, sum = 0.0f;
#pragma omp simd reduction(max : top)
    for (i64 j = 0; j < seen; ++j) {
        const float x = up(row[j]);
        top = x > top ? x : top;
    }
#pragma omp simd reduction(+ : sum)
    for (i64 j = 0; j < seen; ++j) {
        out[j] = power_of_two((up(row[j]) - top) * (scale * LOG2_E));
        sum += out[j];
    }
    peak = top;
    return sum;
}

extern "C" {

// total = x + delta (if any); norm = total / rms(total) * weight; inverse[row] = 1 / rms.
void add_norm_forward(const real* x, const real* delta, const float* weight, real* total, real* norm, float* inverse,
                      i64 rows, i64 width, float epsilon, int threads) {
    EACH_PART EACH_ROW {
        const real *a = x + r * width, *b = delta ? delta + r * width : nullptr;
        real *sum = total + r * width, *n = norm + r * width;
        float squares = 0.0f;
#pragma omp simd reduction(+ : squares)
        for (i64 j = 0; j < width; ++j) {
            sum[j] = b ? down(up(a[j]) + up(b[j])) : a[j];
            squares += up(sum[j]) * up(sum[j]);
        }
        const float scale = 1.0f / std::sqrt(squares / width + epsilon);
        inverse[r] = scale;
#pragma omp simd
        for (i64 j = 0; j < width; ++j) n[j] = down(up(sum[j]) * scale * weight[j]);
    }
}

// d_total = gradient through the norm + d_residual (if any); d_weight [threads, width] are partial sums.
void add_norm_backward(const real* total, const float* weight, const float* inverse, const real* d_norm,
                       const real* d_residual, real* d_total, float* d_weight, i64 rows, i64 width, int threads) {
    EACH_PART {
        float* dw = d_weight + part * width;
        EACH_ROW {
            const real *x = total + r * width, *dn = d_norm + r * width;
            const float scale = inverse[r];
            float dot = 0.0f;
#pragma omp simd reduction(+ : dot)
            for (i64 j = 0; j < width; ++j) {
                const float g = up(dn[j]) * up(x[j]) * scale;
                dw[j] += g;
                dot += g * weight[j];
            }
            const float mean = dot * scale / width;
            real* dx = d_total + r * width;
            const real* more = d_residual ? d_residual + r * width : nullptr;
#pragma omp simd
            for (i64 j = 0; j < width; ++j) {
                const float g = (up(dn[j]) * weight[j] - up(x[j]) * mean) * scale;
                dx[j] = down(more ? g + up(more[j]) : g);
            }
        }
    }
}

// Rotated halves of one head at one position; `sign` -1 rotates back.
static inline void rotate(const real* in, real* out, const float* cos, const float* sin, i64 half, float sign) {
#pragma omp simd
    for (i64 j = 0; j < half; ++j) {
        const float left = up(in[j]), right = up(in[half + j]), s = sign * sin[j];
        out[j] = down(left * cos[j] - right * s);
        out[half + j] = down(right * cos[j] + left * s);
    }
}

// Between a projection's rows [B, T, (H + 2K) * D] and rotated queries, keys and unrotated values [B, heads, T, D].
void rotate_heads(real* qkv, real* q, real* k, real* v, const float* cos, const float* sin, i64 rows, i64 T, i64 H,
                  i64 K, i64 D, i64 backward, int threads) {
    EACH_PART EACH_ROW {
        const i64 b = r / T, t = r % T, half = D / 2;
        real* side = qkv + r * (H + 2 * K) * D;
        for (i64 h = 0; h < H + 2 * K; ++h, side += D) {
            const bool is_query = h < H, is_key = !is_query && h < H + K;
            const i64 own = is_query ? h : is_key ? h - H : h - H - K, heads = is_query ? H : K;
            real* head = (is_query ? q : is_key ? k : v) + ((b * heads + own) * T + t) * D;
            if (is_query || is_key) {
                rotate(backward ? head : side, backward ? side : head, cos + t * half, sin + t * half, half,
                       backward ? -1.0f : 1.0f);
            } else {
                const real* from = backward ? head : side;
                real* to = backward ? side : head;
                for (i64 j = 0; j < D; ++j) to[j] = from[j];
            }
        }
    }
}

// Scores [B * heads, queries, keys] to probabilities in place; rows = B * heads * queries, scratch [threads, keys].
// Query i is at position offset + i and sees the keys from `first` of that position (first: [B, T], or null for all)
// up to itself. Loops run to whole vectors: what is masked there counts as minus infinity and becomes 0.
void causal_softmax_forward(real* scores, const std::int32_t* first, float* scratch, i64 rows, i64 heads, i64 T,
                            i64 queries, i64 keys, i64 offset, float scale, int threads) {
    EACH_PART EACH_ROW {
        const i64 position = offset + r % queries, sequence = r / queries / heads, end = whole(position + 1, keys);
        const i64 begin = first ? first[sequence * T + position] : 0;
        real* row = scores + r * keys;
        float* e = scratch + part * keys;
        for (i64 j = 0; j < begin; ++j) row[j] = MINUS_INFINITY;
        for (i64 j = position + 1; j < end; ++j) row[j] = MINUS_INFINITY;
        float peak;
        const float share = 1.0f / exponentials(row, end, scale, e, peak);
#pragma omp simd
        for (i64 j = 0; j < end; ++j) row[j] = down(e[j] * share);
        for (i64 j = 0; j < begin; ++j) row[j] = {0};
        for (i64 j = position + 1; j < keys; ++j) row[j] = {0};
    }
}

// Gradients of probabilities to gradients of scores, in place. What was masked has probability 0.
void causal_softmax_backward(const real* probabilities, real* gradients, i64 rows, i64 queries, i64 keys, i64 offset,
                             float scale, int threads) {
    EACH_PART EACH_ROW {
        const i64 end = whole(offset + r % queries + 1, keys);
        const real* p = probabilities + r * keys;
        real* g = gradients + r * keys;
        float dot = 0.0f;
#pragma omp simd reduction(+ : dot)
        for (i64 j = 0; j < end; ++j) dot += up(p[j]) * up(g[j]);
#pragma omp simd
        for (i64 j = 0; j < end; ++j) g[j] = down(up(p[j]) * (up(g[j]) - dot) * scale);
        for (i64 j = end; j < keys; ++j) g[j] = {0};
    }
}

// gate_up [rows, 2F] to silu(gate) * up [rows, F].
void swiglu_forward(const real* gate_up, real* out, i64 rows, i64 F, int threads) {
    EACH_PART EACH_ROW {
        const real *gate = gate_up + r * 2 * F, *other = gate + F;
        real* o = out + r * F;
#pragma omp simd
        for (i64 j = 0; j < F; ++j) o[j] = down(up(gate[j]) * sigmoid(up(gate[j])) * up(other[j]));
    }
}

void swiglu_backward(const real* gate_up, const real* d_out, real* d_gate_up, i64 rows, i64 F, int threads) {
    EACH_PART EACH_ROW {
        const real *gate = gate_up + r * 2 * F, *other = gate + F, *d = d_out + r * F;
        real *d_gate = d_gate_up + r * 2 * F, *d_other = d_gate + F;
#pragma omp simd
        for (i64 j = 0; j < F; ++j) {
            const float x = up(gate[j]), s = sigmoid(x), g = up(d[j]);
            d_gate[j] = down(g * up(other[j]) * s * (1.0f + x * (1.0f - s)));
            d_other[j] = down(g * x * s);
        }
    }
}

// Cross-entropy in nats of each row of logits [rows, V]. With `weight` not 0 the logits become weight times its
// gradient; a target below 0 gives loss 0 and no gradient. scratch: [threads, V].
void cross_entropy(real* logits, const i64* targets, float* losses, float* scratch, i64 rows, i64 V, float weight,
                   int threads) {
    EACH_PART EACH_ROW {
        real* row = logits + r * V;
        float* e = scratch + part * V;
        float peak;
        const float sum = exponentials(row, V, 1.0f, e, peak);
        const i64 target = targets[r];
        losses[r] = target < 0 ? 0.0f : std::log(sum) + peak - up(row[target]);
        if (weight == 0.0f) continue;
        const float share = target < 0 ? 0.0f : weight / sum;
#pragma omp simd
        for (i64 j = 0; j < V; ++j) row[j] = down(e[j] * share);
        if (target >= 0) row[target] = down(e[target] * share - weight);
    }
}

}  // extern "C"
