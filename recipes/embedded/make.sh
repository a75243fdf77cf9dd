#!/usr/bin/env bash
# The embedded model from the first to the last step: start, tagger, what it finds in unlabelled text,
# the mean of its last trainings, gazetteer, mistakes with the gazetteer of half of the texts, selector,
# scores.
#
#     TEXT="pretraining/*.xz" bash recipes/embedded/make.sh runs/embedded/small
#     SIZE=large TEXT="pretraining/*.xz" bash recipes/embedded/make.sh runs/embedded/large
#
# SIZE is small (4 million parameters; hours on two cores), large (30 million, for a GPU) or tiny
# (the tests). Of each step the files that are there already are not made again, and a training
# that was stopped goes on. DATA is where `llmner build` put the datasets, CORPORA the folder of the
# corpora, whose test sentences are dropped from what is found.
set -euo pipefail
OUT=$1
SIZE=${SIZE:-small}
DATA=${DATA:-data}
RUN=${RUN:-python -m llmner_hf}
NAMES="cmeee_v2 genia biored bc5cdr_chemical"
SETS=$(for name in $NAMES; do echo "$DATA/$name"; done)
# What the last training learns from besides, and what lends its mentions: docs/embedded.md.
BESIDE="$DATA/cmeee_v1 $DATA/bc5cdr_disease"
LENDERS="$DATA/cmeee_v1_lent $DATA/genia_genes"

case $SIZE in
tiny)
    START="--vocabulary 400 --hidden 32 --intermediate 48 --layers 1 --copying-steps 2"
    TEXTS=4
    TRAIN="--max_steps 2 --warmup_steps 1 --validation_size 2 --torch_compile false --bf16 false"
    SELECT="--max_steps 2 --candidates 8 --validation_candidates 4 --bf16 false"
    FURTHER="" LAST="" AGAIN="" DOUBLED=0 ROWS=2 DTYPE=float32
    SILVER="cmeee_v2=60 genia=60 biored=60 bc5cdr_chemical=60" SURE="--sure 0"
    ;;
small)
    START="" TRAIN="" SELECT="" FURTHER="" LAST="" DOUBLED="1 3" ROWS=150 DTYPE=float32
    TEXTS=2000 AGAIN="--max_steps 10000"
    SILVER="cmeee_v2=5000 genia=5000 biored=15000 bc5cdr_chemical=35000" SURE=""
    ;;
large)
    START="--vocabulary 16000 --hidden 448 --intermediate 1216 --layers 9 --copying-steps 6000"
    START="$START --device cuda"
    # The steps of the small model but for the last stage, four times the rows: some 32 epochs.
    TRAIN="--use_cpu false --per_device_train_batch_size 64 --save_steps 500"
    TRAIN="$TRAIN --attn_implementation sdpa"
    FURTHER="--learning_rate 5e-4" LAST="--max_steps 4000 --eval_steps 1000" AGAIN=$LAST
    TEXTS=4000
    SILVER="cmeee_v2=20000 genia=20000 biored=20000 bc5cdr_chemical=40000" SURE=""
    SELECT="--use_cpu false --max_steps 3000 --per_device_train_batch_size 64"
    DOUBLED="" ROWS=150 DTYPE=bfloat16
    ;;
*)
    echo "SIZE=$SIZE is none of tiny, small, large" >&2
    exit 2
    ;;
esac

if [ ! -f "$OUT/start/model.safetensors" ]; then
    python recipes/embedded/initialise.py --text $TEXT --dataset $SETS -o "$OUT/start" $START
fi
from=$OUT/start
for step in tagger further beside apart; do
    if [ ! -f "$OUT/$step/run.json" ]; then
        $RUN train recipes/embedded/$step.yaml --datasets $SETS --model_name_or_path "$from" \
            --output_dir "$OUT/$step" $TRAIN $([ $step = tagger ] || echo "$FURTHER") \
            $([ $step != apart ] || echo "$LAST")
    fi
    from=$OUT/$([ $step = tagger ] && echo tagger/best || echo $step)
done
if [ -n "$DOUBLED" ]; then
    from=$OUT/deepened
    if [ ! -f "$from/model.safetensors" ]; then
        python recipes/embedded/deepen.py --model "$OUT/apart" --layers $DOUBLED -o "$from"
    fi
fi
if [ ! -f "$OUT/deeper/run.json" ]; then
    $RUN train recipes/embedded/deeper.yaml --datasets $SETS $BESIDE --model_name_or_path "$from" \
        --output_dir "$OUT/deeper" $TRAIN $FURTHER $LAST
fi
from=$OUT/deeper
for step in lent longer; do
    if [ ! -f "$OUT/$step/run.json" ]; then
        $RUN train recipes/embedded/$step.yaml --datasets $SETS $DATA/bc5cdr_disease \
            --lenders $LENDERS --model_name_or_path "$from" --output_dir "$OUT/$step" \
            $TRAIN $FURTHER $LAST
    fi
    from=$OUT/$step
done
if [ ! -f "$OUT/again/run.json" ]; then
    $RUN train recipes/embedded/longer.yaml --datasets $SETS $DATA/bc5cdr_disease \
        --lenders $LENDERS --model_name_or_path "$from" --output_dir "$OUT/again" --seed 9 \
        $TRAIN $FURTHER $AGAIN
fi
LENDING="$LENDERS $DATA/bc5cdr_disease"
# Finds the weights of a tagger's gazetteers.
weigh() {
    if [ ! -f "$1/weighed" ]; then
        $RUN gazetteer "$1" --datasets $SETS --lenders $LENDING --rows $ROWS
        touch "$1/weighed"
    fi
}
if [ ! -f "$OUT/teacher/model.safetensors" ]; then
    python recipes/embedded/average.py --models "$OUT/again" "$OUT/longer" --shares 0.6 0.4 \
        -o "$OUT/teacher"
fi
weigh "$OUT/teacher"
for pair in $SILVER; do
    name=${pair%=*} found=$OUT/found/${pair%=*} silver=$OUT/data/silver_${pair%=*}
    if [ ! -d "$silver" ]; then
        python recipes/embedded/silver.py --text $TEXT --model "$OUT/teacher" --dataset $name \
            --sentences ${pair#*=} $SURE -o "$found"
        $RUN build silver_$name --source "$found" --types "$found/types.yaml" --style brief \
            --out "$silver" ${CORPORA:+--against "$CORPORA"}
    fi
done
# Trains on with silver texts: from, to, seed.
learn() {
    if [ ! -f "$2/run.json" ]; then
        $RUN train recipes/embedded/silver.yaml --datasets $SETS $DATA/bc5cdr_disease \
            "$OUT"/data/silver_* --lenders $LENDERS --model_name_or_path "$1" \
            --output_dir "$2" --seed $3 $TRAIN $FURTHER $LAST
    fi
}
# The mean of models: to, from.
average() {
    if [ ! -f "$1/model.safetensors" ]; then
        python recipes/embedded/average.py --models "${@:2}" -o "$1"
    fi
}
learn "$OUT/teacher" "$OUT/silver" 12
average "$OUT/first" "$OUT/silver" "$OUT/again" "$OUT/longer"
learn "$OUT/first" "$OUT/silver_again" 13
from=$OUT/averaged
average "$from" "$OUT/silver_again" "$OUT/silver" "$OUT/again" "$OUT/longer"
weigh "$from"
LENDERS=$LENDING
# An earlier tagger knows the texts less well, and its mistakes are better teachers.
python recipes/selector/mine.py recipes/embedded/lent.yaml -o "$OUT/mined" --folds 2 --fold 0 \
    --texts $TEXTS --seen "$OUT/lent" --weights "$from" --datasets $SETS --lenders $LENDERS
if [ ! -f "$OUT/selector/run.json" ]; then
    $RUN train-selector recipes/selector/embedded.yaml --datasets $SETS \
        --model_name_or_path "$from" --output_dir "$OUT/selector" --lenders $LENDERS \
        --mined "{$(for name in $NAMES; do echo "$name: $OUT/mined/$name.jsonl,"; done)}" \
        --found_alone true --evidence true $SELECT
fi
python recipes/embedded/assemble.py --tagger "$from" --selector "$OUT/selector" \
    -o "$OUT/model" --dtype $DTYPE --without bc5cdr_disease
# What the tagger alone finds in validation and test texts, and what the selector leaves.
python recipes/selector/compare.py --data "$DATA" --model "$OUT/model" --name embedded \
    --rivals --selector llm_cls="$OUT/model/selector" --validation $ROWS -o "$OUT/compare"
$RUN calibrate "$OUT/model/selector" --model "$OUT/model" --gold "$OUT"/compare/validation/*.gold.jsonl \
    --predicted "$OUT"/compare/validation/*.predicted.jsonl
$RUN gazetteer "$OUT/model" --datasets $SETS --lenders $LENDERS --all-rows
python recipes/reproduce/baselines.py dictionary --data "$DATA" -o "$OUT/dictionary"
python recipes/embedded/evaluate.py --data "$DATA" --model "$OUT/model" \
    --dictionary "$OUT/dictionary" -o "$OUT/scores"
