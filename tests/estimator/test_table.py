"""Mixed tables: what columns are taken for, there and back again, in pandas, polars and arrays."""

import numpy as np
import pytest
from klosed_tables import mixed_columns, small
from scipy.special import expit

import klosed
from klosed.errors import DataError, ParameterError
from klosed.estimator.columns import Column, infer_columns
from klosed.estimator.reading import frame_of, read_columns
from klosed.estimator.table import Table

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
rng = np.random.default_rng(0)


def inferred(frame, column_types="auto", likelihood="auto", in_frame=True):
    raws = read_columns(frame, list(getattr(frame, "columns", range(frame.shape[1]))))
    return infer_columns(raws, column_types, likelihood, in_frame=in_frame)


COLUMNS = {
    "real": (rng.normal(size=200), "real", "gaussian"),
    "whole numbers below zero": (rng.integers(-5, 5, 200), "real", "gaussian"),
    "years": (rng.integers(1990, 2020, 200), "real", "gaussian"),
    "tails": (rng.standard_t(1.5, 200), "real", "student_t"),
    "sparse": (np.where(rng.random(200) < 0.1, rng.normal(size=200), 0), "real", "gaussian"),
    "prices": (np.exp(rng.normal(size=200)), "positive", "log_normal"),
    "counts": (rng.poisson(rng.gamma(1, 3, 200)), "count", "negative_binomial"),
    "counts with holes": (
        np.where(rng.random(200) < 0.2, np.nan, rng.poisson(rng.gamma(1, 3, 200))),
        "count",
        "negative_binomial",
    ),
    "0 and 1": (rng.integers(2, size=200), "binary", "bernoulli"),
    "booleans": (rng.random(200) < 0.5, "binary", "bernoulli"),
    "two words": (rng.choice(["no", "yes"], 200), "binary", "bernoulli"),
    "words": (rng.choice(["a", "b", "c"], 200), "categorical", "categorical"),
    "levels": (
        pd.Categorical(rng.choice(["lo", "mid", "hi"], 200), ["lo", "mid", "hi"], ordered=True),
        "ordinal",
        "sequential",
    ),
    "constant": (np.full(200, 3.5), "constant", "none"),
    "empty": (np.full(200, np.nan), "constant", "none"),
    "one word": (np.full(200, "same"), "constant", "none"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_types_are_inferred_from_dtype_and_values(name):
    values, kind, family = COLUMNS[name]
    (column,) = inferred(pd.DataFrame({name: values}))
    assert (column.type, column.family) == (kind, family)
    if not isinstance(values, pd.Categorical):
        (column,) = inferred(pl.DataFrame({name: values}))
        assert (column.type, column.family) == (kind, family)


def test_an_array_is_real_unless_all_of_it_is_zeros_and_ones():
    # A column of 0 and 1 in one fold may hold 2 in the next.
    x = np.c_[rng.normal(size=50), rng.integers(9, size=50), rng.integers(2, size=50)]
    assert {c.type for c in inferred(x, in_frame=False)} == {"real"}
    bits = np.where(rng.random((50, 3)) < 0.2, np.nan, rng.integers(2, size=(50, 3)))
    assert {c.type for c in inferred(bits, in_frame=False)} == {"binary"}


def test_the_user_decides():
    frame = pd.DataFrame({"a": [1, 2, 3, 1], "b": [0.5, 1.5, 2.0, 1.0], "c": list("xyzx")})
    types = {"a": "ordinal", 1: "positive"}
    assert [c.type for c in inferred(frame, types)] == ["ordinal", "positive", "categorical"]
    assert inferred(frame, types)[0].categories == (1.0, 2.0, 3.0)
    likelihood = {"count": "poisson", "real": "student_t"}
    families = [c.family for c in inferred(frame, {"a": "count", "b": "real"}, likelihood)]
    assert families == ["poisson", "student_t", "categorical"]
    assert [c.family for c in inferred(frame, "auto", "gaussian")][:2] == ["gaussian", "gaussian"]


@pytest.mark.parametrize(
    ("column_types", "likelihood", "error", "message"),
    [
        ({"z": "real"}, "auto", ParameterError, "column_types names 'z', which is no column"),
        (
            {"a": "date"},
            "auto",
            ParameterError,
            r"column_types\['a'\] must be one of real, .*'date'",
        ),
        ("auto", {"count": "gaussian"}, ParameterError, "likelihood must map a type to one of its"),
        (
            {"c": "real"},
            "auto",
            DataError,
            "column 'c' was declared 'real' but holds .*categorical",
        ),
        ({"a": "binary"}, "auto", DataError, "declared binary but holds 3 different values"),
        ({"b": "count"}, "auto", DataError, "column 'b' holds counts .*got 0.5.*'real'"),
        ({"d": "positive"}, "auto", DataError, "column 'd' is positive; got -1"),
    ],
)
def test_what_does_not_fit_is_said(column_types, likelihood, error, message):
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, 2.0], "c": list("xyz"), "d": [1, -1, 2]})
    with pytest.raises(error, match=message):
        inferred(frame, column_types, likelihood)


def test_unreadable_columns_are_named():
    dates = pd.DataFrame({"day": pd.to_datetime(["2020-01-01", "2020-01-02"])})
    with pytest.raises(DataError, match=r"column 'day' has dtype datetime64.*days since a start"):
        small().fit(dates)
    with pytest.raises(DataError, match="column 'day' has dtype Datetime"):
        small().fit(pl.from_pandas(dates))
    decimals = pd.Series([1.5, 2.5]).astype("float64[pyarrow]")
    decimals = decimals.astype(pd.ArrowDtype(pytest.importorskip("pyarrow").decimal128(5, 2)))
    with pytest.raises(DataError, match=r"'price' has dtype decimal128.*decimals to float64"):
        small().fit(pd.DataFrame({"price": decimals}))
    with pytest.raises(TypeError, match=r"column 'bin'.*got Interval. Convert it: to text"):
        small().fit(pd.DataFrame({"bin": pd.cut(Z, 3)}))
    with pytest.raises(DataError, match=r"is a LazyFrame.*collect\(\)"):
        small().fit(pl.DataFrame({"a": [1.0, 2.0]}).lazy())
    names = pd.DataFrame({"id": [f"row {i}" for i in range(1001)]})
    with pytest.raises(DataError, match=r"1001 different values.*identifier"):
        small().fit(names)


def test_encoding_there_and_back_keeps_every_value():
    frame = pd.DataFrame({name: values for name, (values, *_) in COLUMNS.items()})
    frame.loc[3, "words"] = None
    frame.loc[4, "levels"] = None
    raws = read_columns(frame, list(frame.columns))
    table = Table(infer_columns(raws, "auto", "auto", in_frame=True), "pandas")
    x = table.encode(raws)
    assert x.shape == (200, table.width)
    back = table.decode(np.where(np.isnan(x), 0, x))
    known = frame.notna() & ~frame.isna()
    for name in frame.columns:
        rows = known[name].to_numpy()
        assert back[name].dtype == frame[name].dtype, name
        if name == "prices":
            np.testing.assert_allclose(back[name], frame[name], rtol=1e-12)
        else:
            assert (back[name][rows] == frame[name][rows]).all(), name
    again = Table.from_dict(table.to_dict())
    assert again.columns == table.columns
    np.testing.assert_array_equal(again.encode(raws), x)


def test_ordinal_levels_are_the_continuation_ratio_model():
    # p(y) from the entries' Bernoulli terms must be a distribution over the levels.
    column = Column("o", "ordinal", "sequential", "category", ("a", "b", "c", "d"))
    table = Table([column], "pandas")
    levels = pd.DataFrame({"o": pd.Categorical(list("abcd"), list("abcd"), ordered=True)})
    x = table.encode(read_columns(levels, ["o"]))
    np.testing.assert_array_equal(x, [[0, np.nan, np.nan], [1, 0, np.nan], [1, 1, 0], [1, 1, 1]])
    spec = klosed.VAESpec(3, 1, likelihood="bernoulli")
    logits = np.array([[0.3, -1.0, 2.0]])
    nll = klosed.models.likelihood_of(spec).negative_log_prob({}, logits, x)
    p = expit(logits[0])
    expected = [1 - p[0], p[0] * (1 - p[1]), p[0] * p[1] * (1 - p[2]), p[0] * p[1] * p[2]]
    np.testing.assert_allclose(np.exp(-nll), expected, rtol=1e-12)
    # the most probable level is not always the one where the probability first falls below half
    means = np.array([[0.4, 0.9, 0.9], [0.6, 0.3, 0.1]])
    assert table.decode(means)["o"].tolist() == ["a", "b"]


@pytest.mark.parametrize("frames", [pd, pl])
def test_samples_come_back_as_the_table_came(frames):
    columns = mixed_columns()
    frame = frames.DataFrame(columns)
    vae = small(n_components=3, max_iter=60).fit(frame)
    assert [c.type for c in vae.columns_] == [
        "real",
        "positive",
        "count",
        "binary",
        "categorical",
        "constant",
    ]
    sample = vae.sample(500)
    assert isinstance(sample, frames.DataFrame)
    assert list(sample.columns) == list(columns)
    assert list(sample.dtypes) == list(frame.dtypes)
    assert set(sample["city"]) == {"Bern", "Oslo", "Rome"}
    assert (sample["always"] == 7).all()
    assert (sample["income"] > 0).all()
    assert (sample["visits"] >= 0).all()
    # what hangs together in the data hangs together in the samples
    smoke = sample["smoker"].to_numpy()
    height = sample["height"].to_numpy()
    assert height[smoke].mean() > height[~smoke].mean() + 3
    assert list(vae.reconstruct(frame).columns) == list(columns)


def test_training_starts_at_the_columns_own_rates():
    # Otherwise a count near 5,000 would cost log 5,000 / learning_rate steps to reach.
    frame = pd.DataFrame(
        {
            "count": rng.negative_binomial(5, 0.001, 400),
            "rare": rng.random(400) < 0.02,
            "class": rng.choice(["a", "b", "c"], 400, p=[0.9, 0.08, 0.02]),
        }
    )
    start = small(max_iter=1, learning_rate=1e-9).fit(frame).sample(2000)
    assert start["count"].mean() == pytest.approx(frame["count"].mean(), rel=0.5)
    assert start["count"].std() == pytest.approx(frame["count"].std(), rel=0.6)
    assert start["rare"].mean() < 0.06
    assert (start["class"] == "a").mean() > 0.75


def test_mixed_tables_score_and_save(fitted_mixed, mixed_frame, tmp_path):
    scores = fitted_mixed.score_samples(mixed_frame)
    assert np.isfinite(scores).all()
    shuffled = mixed_frame.copy()
    shuffled["smoker"] = ~shuffled["smoker"]
    assert fitted_mixed.score(shuffled) < scores.mean() - 0.3
    fitted_mixed.save(tmp_path / "m.safetensors")
    again = klosed.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.score_samples(mixed_frame), scores)
    pd.testing.assert_frame_equal(again.sample(5), fitted_mixed.sample(5))
    assert list(again.feature_names_in_) == list(mixed_frame.columns)


def test_later_tables_must_fit(fitted_mixed, mixed_frame):
    new = mixed_frame.copy()
    new.loc[0, "city"] = "Kyiv"
    with pytest.raises(
        DataError, match=r"'city' holds 'Kyiv', which was not there.*column_types={'city'"
    ):
        fitted_mixed.transform(new)
    new.loc[0, "city"] = None
    assert np.isfinite(fitted_mixed.transform(new)).all()
    new.loc[0, "income"] = -1.0
    with pytest.raises(DataError, match="column 'income' is positive; got -1"):
        fitted_mixed.transform(new)
    with pytest.raises(ValueError, match="feature names should match"):
        fitted_mixed.transform(mixed_frame.iloc[:, :5])
    with pytest.raises(DataError, match="held numbers when the model was fitted"):
        fitted_mixed.transform(mixed_frame.assign(height="tall"))


def test_an_array_of_objects_is_a_mixed_table(mixed_frame):
    vae = small().fit(mixed_frame.to_numpy())
    assert [c.type for c in vae.columns_][3:] == ["binary", "categorical", "constant"]
    assert vae.sample(3).shape == (3, 6)
    rows = [[1.5, "a", None], [2.5, "b", True], [0.5, "c", False], [None, "a", True]]
    assert [c.type for c in small().fit(rows).columns_] == ["real", "categorical", "binary"]


Z = np.random.default_rng(1).normal(size=60)
DTYPES = {
    "nullable floats": pd.DataFrame({"a": pd.array([1.5, None, 2.5] * 20, dtype="Float64")}),
    "nullable strings": pd.DataFrame({"a": pd.array(["x", None, "y"] * 20, dtype="string")}),
    "nullable booleans": pd.DataFrame({"a": pd.array([True, None, False] * 20, dtype="boolean")}),
    "small integers": pd.DataFrame({"a": (Z * 60).clip(-128, 127).astype("int8")}),
    "bytes as counts": pd.DataFrame({"a": (np.exp(Z) * 60).clip(0, 255).astype("uint8")}),
    "a sparse column": pd.DataFrame({"a": pd.arrays.SparseArray(np.where(Z > 0, Z, 0))}),
    "whole sparse numbers": pd.DataFrame({"a": pd.arrays.SparseArray([0, 0, 3] * 20)}),
    "numbers as categories": pd.DataFrame({"a": pd.Categorical([3, 1, 2] * 20)}),
    "one category": pd.DataFrame({"a": pd.Categorical(["x", None] * 30)}),
    "one ordered level": pd.DataFrame({"a": pd.Categorical(["x"] * 60, ordered=True)}),
    "two ordered levels": pd.DataFrame({"a": pd.Categorical([1, 2, None] * 20, ordered=True)}),
    "numbers beside strings": pd.DataFrame({"a": [1, "x", 2.5, None] * 15}),
    "huge counts": pd.DataFrame({"a": np.geomspace(1, 1e9, 60).astype(int)}),
    "polars": pl.DataFrame(
        {
            "i": [1, None, 3] * 20,
            "i128": pl.Series([1, None, 2**100] * 20, dtype=pl.Int128),
            "i8": (Z * 60).clip(-128, 127).astype("int8"),
            "f32": pl.Series(Z, dtype=pl.Float32),
            "one": pl.Series(["u"] * 60, dtype=pl.Enum(["u"])),
            "enum": pl.Series(["u", "v", None] * 20, dtype=pl.Enum(["u", "v", "w"])),
            "cat": pl.Series(["u", "v", None] * 20, dtype=pl.Categorical),
            "bool": [True, None, False] * 20,
            "dec": pl.Series([1.5, 2.5, 3.5] * 20).cast(pl.Decimal(10, 2)),
            "null": pl.Series([None] * 60),
        }
    ),
}


@pytest.mark.parametrize("name", DTYPES)
def test_dtypes_of_every_kind_come_back(name):
    frame = DTYPES[name]
    frame = frame.assign(z=Z) if isinstance(frame, pd.DataFrame) else frame
    vae = small().fit(frame)
    assert np.isfinite(vae.score_samples(frame)).all()
    for table in (vae.sample(60), vae.impute(frame), vae.reconstruct(frame)):
        if name != "a sparse column":
            assert list(table.dtypes) == list(frame.dtypes)
        assert table.shape == frame.shape


def test_whole_numbers_beyond_float64_are_kept_or_refused():
    # 2^53 + 1 is the first whole number that float64 does not hold.
    same = 2**53 + 1
    for frame in (
        pd.DataFrame({"a": [same] * 60, "z": Z}),
        pl.DataFrame({"a": [same] * 60, "z": Z}),
    ):
        vae = small().fit(frame)
        for table in (vae.sample(3), vae.reconstruct(frame), vae.impute(frame)):
            assert set(table["a"]) == {same}
        ids = [2**62 + i for i in range(60)]
        with pytest.raises(DataError, match=rf"column 'a' holds .* {2**62} to .*identifier"):
            small().fit(type(frame)({"a": ids, "z": Z}))
    with pytest.raises(DataError, match="which float64 cannot tell apart"):
        small().fit(np.array([[2**62, 1], [2**62 + 1, 2]]))
    with pytest.raises(DataError, match="column 'a' holds a whole number beyond 1e308"):
        small().fit(pd.DataFrame({"a": [10**400, 1, 2]}))


def test_arrays_keep_their_dtype_and_every_digit():
    x = np.arange(40).reshape(20, 2) + 2**53
    vae = small().fit(x)
    np.testing.assert_array_equal(vae.impute(x), x)
    assert vae.impute(x).dtype == x.dtype
    holed = Z.reshape(20, 3).astype(np.float32)
    holed[3, 1] = np.nan
    filled = small().fit(holed).impute(holed)
    assert filled.dtype == np.float32
    assert np.isfinite(filled).all()


@pytest.mark.parametrize("dtype", ["int8", "Int8", "int64", "UInt64", "int64[pyarrow]"])
def test_numbers_beyond_a_dtype_end_at_its_ends_and_do_not_wrap_around(dtype):
    values = np.array([-1e30, 1e30])
    low, high = frame_of("pandas", [("a", values, dtype, None, False)])["a"]
    held = np.iinfo(dtype.lower().split("[")[0])
    assert low == held.min
    assert high == pytest.approx(held.max, rel=1e-12)


def test_text_is_not_ordinal_but_a_dtype_may_order_it():
    levels = ["lo", "mid", "hi"] * 20
    with pytest.raises(DataError, match=r"column 'a' was declared ordinal.*pandas.Categorical"):
        small(column_types={"a": "ordinal"}).fit(pd.DataFrame({"a": levels}))
    enum = pl.DataFrame({"a": pl.Series(levels, dtype=pl.Enum(["lo", "mid", "hi"]))})
    vae = small(column_types={"a": "ordinal"}).fit(enum)
    assert vae.columns_[0].categories == ("lo", "mid", "hi")


def test_reconstructions_keep_the_rows_names(fitted_mixed, mixed_frame):
    named = mixed_frame.set_axis([f"row {i}" for i in range(len(mixed_frame))])
    assert fitted_mixed.reconstruct(named).index.equals(named.index)
    z = fitted_mixed.set_output(transform="pandas").transform(named)
    assert fitted_mixed.inverse_transform(z).index.equals(named.index)
    fitted_mixed.set_output(transform="default")


def test_files_keep_names_of_several_levels_and_numbers_of_numpy(tmp_path):
    names = pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])
    frame = pd.DataFrame(Z.reshape(30, 2), columns=names)
    vae = small(n_components=np.int64(1), column_types={np.int64(0): "real"}).fit(frame)
    vae.save(tmp_path / "m.safetensors")
    again = klosed.load(tmp_path / "m.safetensors")
    pd.testing.assert_frame_equal(again.sample(3), vae.sample(3))
    assert again.n_components == 1
    dated = frame.set_axis(pd.date_range("2020-01-01", periods=2), axis=1)
    with pytest.raises(DataError, match="column names must be text"):
        small().fit(dated).save(tmp_path / "d.safetensors")
