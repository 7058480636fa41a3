import hashlib, hmac, json, struct, sys  # python3 verify.py FILE checks a document of draws; docs/fair.md says how
GAMES = {"DICE": "dices unit minmulti maxmulti", "LUCK": "add sub minmulti maxmulti",
         "LINK": "choice add sub minmulti maxmulti", "MAXEND": "from to"}
def repeat(d, session, seed, prev):  # the draw d as it must stand in the document
    key, text = bytes.fromhex(seed), f"fair1\n{session:d}\n{d['nonce']:d}\n{d['game']}\n{d['clientseed']}\n"
    words = (w for i in range(1000) for w in struct.unpack(">8I", hmac.digest(key, f"{text}{i}".encode(), "sha256")))
    def pick(some): return some[next(w for w in words if w < 2**32 // len(some) * len(some)) % len(some)]
    draw = {k: d.get(k, 0) for k in f"nonce game clientseed {GAMES[d['game']]}".split()} | {"seed": seed, "prev": prev}
    if d["game"] == "MAXEND": return draw | {"end": pick(range(draw["from"], draw["to"] + 1))}
    dice = [pick(range(1, 7)) for _ in range(draw.get("dices", 0))]
    signs = [pick("+-") for _ in dice if len(dice) > 1]
    op = pick(["ADD", "SUB"]) if draw.get("choice", "RAND") == "RAND" else {"ADD": "ADD", "SUB": "SUB"}[d["choice"]]
    multi = pick(range(d["minmulti"], d["maxmulti"] + 1))
    size = abs(sum(int(f"{s}{v}") for s, v in zip(signs or "+", dice))) * draw["unit"] if dice else draw[op.lower()]
    return draw | dict(values=dice, signs=signs, operation=op, multi=multi, seconds=(size * multi + 50) // 100)
def check(scheme, session, commitment, length, draws, tip=None):
    chain = {0: commitment} | {d["nonce"]: d["seed"] for d in draws} | ({length: tip} if tip else {})
    for i in range(max(chain), 0, -1): chain[i - 1] = hashlib.sha256(bytes.fromhex(chain[i])).hexdigest()
    if scheme != "fair1" or chain[0] != commitment or max(chain) > length: sys.exit("the chain does not hold")
    for d in sorted(draws, key=lambda d: -d["nonce"]):  # from the last to the first, each seed once
        want = repeat(d, session, chain.pop(d["nonce"]), chain[d["nonce"] - 1])
        if any((want.get(k) or 0) != (d.get(k) or 0) for k in {*want, *d}): sys.exit(f"draw {d['nonce']} does not hold")
        print("holds:", *(f"{k} {v}" for k, v in want.items() if v and k not in ("seed", "prev")))
    print(f"{len(draws)} draws of session {session} hold under commitment {commitment}; tip: {tip}")
check(**json.load(open(sys.argv[1], encoding="utf-8"), parse_float=str))
