"""Random numbers on the device that belong to items, not to work items.

Philox is a function from a key and a counter to numbers (Salmon et al. 2011, Parallel random
numbers: as easy as 1, 2, 3). Here the key is the seed and the counter (block, item, item's high
word, stream), so that an item draws the same numbers in whichever chunk, on whichever device.
`pyopencl.clrandom`, which has the same Philox4x32-10, puts the work item's own number into the key:
its numbers change with the size of the launch. It makes normals of uniforms that may be 0, whose
logarithm is infinite.

`lanes` items side by side make a CPU use its vectors: 330 million normals a second on two cores
that make 60 otherwise. Logarithm, sine and cosine are polynomials of products and sums (Cephes'),
since a device's own differ in the last digit, and PoCL's don't come in vectors.
"""

from __future__ import annotations

SOURCE = r"""
#pragma OPENCL FP_CONTRACT OFF
#define LANES %(lanes)d
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#if LANES == 1
typedef uint u32; typedef int i32; typedef float f32; typedef ulong u64; typedef long i64;
typedef double f64;
#define AS_U32 as_uint
#define AS_F32 as_float
#define TO(type, x) ((type)(x))
#define NUMBERS ((u32)(0))
#else
typedef JOIN(uint, LANES) u32; typedef JOIN(int, LANES) i32; typedef JOIN(float, LANES) f32;
typedef JOIN(ulong, LANES) u64; typedef JOIN(long, LANES) i64; typedef JOIN(double, LANES) f64;
#define AS_U32 JOIN(as_uint, LANES)
#define AS_F32 JOIN(as_float, LANES)
#define TO(type, x) __builtin_convertvector(x, type)  // convert_…() of PoCL 3 goes lane by lane
#define NUMBERS ((u32)(0, 1, 2, 3, 4, 5, 6, 7))
#endif
// In memory, at any place where one of them may be: vload8() of PoCL 3 goes lane by lane.
#define ANYWHERE(size) __attribute__((aligned(size)))
typedef u32 u32_there ANYWHERE(4); typedef f32 f32_there ANYWHERE(4);
typedef i64 i64_there ANYWHERE(8); typedef f64 f64_there ANYWHERE(8);
#define LOAD(type, p) (*(global const type##_there *)(p))
#define STORE(type, x, p) (*(global type##_there *)(p) = (x))
#define PICK(where, a, b) ((where) ? (a) : (b))
typedef struct { u32 a, b, c, d; } four;

four philox(u32 block, u32 low, u32 high, uint stream, uint key0, uint key1) {
    four v;
    v.a = block; v.b = low; v.c = high; v.d = (u32)(stream);
    for (int round = 0; round < 10; ++round) {
        const u64 p = TO(u64, v.a) * 0xD2511F53UL, q = TO(u64, v.c) * 0xCD9E8D57UL;
        four w;
        w.a = TO(u32, (q >> 32)) ^ v.b ^ key0; w.b = TO(u32, q);
        w.c = TO(u32, (p >> 32)) ^ v.d ^ key1; w.d = TO(u32, p);
        v = w;
        key0 += 0x9E3779B9u; key1 += 0xBB67AE85u;
    }
    return v;
}

// sqrt(-2 log(u)) of u = (31 bits + 1/2) / 2^31, which is never 0.
f32 radius(u32 bits) {
    const f32 x = TO(f32, TO(i32, (bits >> 1))) + 0.5f;
    const i32 e = TO(i32, (AS_U32(x) + (0x3f800000u - 0x3f3504f3u))) >> 23;
    const f32 m = AS_F32(AS_U32(x) - (TO(u32, (e - 127)) << 23)) - 1.0f;
    f32 p = m * 7.0376836292E-2f - 1.1514610310E-1f;
    p = p * m + 1.1676998740E-1f; p = p * m - 1.2420140846E-1f; p = p * m + 1.4249322787E-1f;
    p = p * m - 1.6668057665E-1f; p = p * m + 2.0000714765E-1f; p = p * m - 2.4999993993E-1f;
    p = p * m + 3.3333331174E-1f;
    const f32 z = m * m, n = TO(f32, (e - 127 - 31));
    // log 2 in two parts, the first of which n multiplies exactly.
    const f32 log_u = n * 0.693359375f + (m + (n * -2.12194440e-4f + (m * z * p - 0.5f * z)));
    return sqrt(-2.0f * log_u);
}

// Cosine and sine of 2 pi t, where t = 31 bits / 2^31.
void turn(u32 bits, f32 *cosine, f32 *sine) {
    const u32 t = bits >> 1, quarter = (t + 0x10000000u) >> 29;  // unsigned: it may go past 2^31
    const f32 x = TO(f32, TO(i32, (t - (quarter << 29)))) * (1.57079632679f / 536870912.0f);
    const f32 y = x * x;
    f32 s = y * -1.9515295891E-4f + 8.3321608736E-3f;
    s = (s * y - 1.6666654611E-1f) * y * x + x;
    f32 c = y * 2.443315711809948E-5f - 1.388731625493765E-3f;
    c = (c * y + 4.166664568298827E-2f) * y * y - 0.5f * y + 1.0f;
    const f32 turned_s = PICK((quarter & 1) != 0, c, s), turned_c = PICK((quarter & 1) != 0, s, c);
    *sine = PICK((quarter & 2) != 0, -turned_s, turned_s);
    *cosine = PICK(((quarter + 1) & 2) != 0, -turned_c, turned_c);
}

// Four normals of four words (Box and Muller 1958), of 24 bits.
void normals(four v, f32 *z) {
    const f32 r0 = radius(v.a), r1 = radius(v.c);
    f32 c, s;
    turn(v.b, &c, &s); z[0] = r0 * c; z[1] = r0 * s;
    turn(v.d, &c, &s); z[2] = r1 * c; z[3] = r1 * s;
}
"""
WORD = 2**32 - 1


def source(lanes: int) -> str:
    """Give the functions ``philox`` and ``normals`` for so many items side by side."""
    return SOURCE % {"lanes": lanes}


def key(seed: int) -> tuple[int, int]:
    """Give a seed's two words."""
    return seed & WORD, (seed >> 32) & WORD
