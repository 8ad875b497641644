package verdict

import "math"

// effects are the variances g of the effect sizes that the test below mixes.
//
// A load test looks at its series after every block and stops when the answer is clear. A
// fixed-sample test at 1 % that is repeated after each of 30 blocks errs far more often than
// 1 %, so this is a sequential test.
//
// The model is change = β·dose + noise for each pair, the noise normal with a
// variance that is not known. For a hypothetical β the statistic is the mixture
// likelihood ratio of Robbins (1970), here for the t statistic: against
// β/σ ~ N(0, g) with the right Haar measure on σ it is
//
//	M = b^(-1/2) · ((1 + t²/ν) / (1 + t²/(ν·b)))^((ν+1)/2),  b = 1 + g·Σ(dose/dose₁)²
//
// with ν = n-1 degrees of freedom and t the usual statistic of a regression
// through the origin. Under that β it is a non-negative martingale of mean 1
// whatever σ is (Lai 1976; Hendriksen, de Heide and Grünwald, "Optional stopping
// with Bayes factors", Bayesian Analysis 2021; Wang and Ramdas, "Anytime-valid
// t-tests and confidence sequences", 2023), so by Ville's inequality it ever
// exceeds 1/α with a probability of at most α, however often it is computed. The β
// that are not excluded so far are a confidence sequence. It is the mixture sequential
// probability ratio test that online experiments use (Johari et al. 2017; Lindon
// et al., KDD 2022), for a variance that is estimated and for doses that vary.
//
// Mixing the g as well costs a factor of three, and decides large effects after four
// pairs and small ones after many.
var effects = []float64{1, 30, 1000}

// regression is a line through the origin: retained = slope · dose.
type regression struct {
	n      int
	slope  float64
	error  float64 // standard error of the slope
	weight float64 // Σ(dose/dose₁)²
}

// regress fits a line to pairs. step is the resolution of the series: counts are whole
// numbers, so three equal changes do not prove that there is no noise. An added residual of
// one step stands for what rounding hides.
func regress(list []pair, step float64) regression {
	r := regression{n: len(list)}
	if r.n == 0 {
		return r
	}
	var dd, dz, rss float64
	for _, p := range list {
		dd += p.dose * p.dose
		dz += p.dose * p.change
	}
	r.slope, r.weight = dz/dd, dd/(list[0].dose*list[0].dose)
	for _, p := range list {
		d := p.change - r.slope*p.dose
		rss += d * d
	}
	r.error = math.Sqrt((rss + step*step) / float64(max(1, r.n-1)) / dd)
	return r
}

// logRatio returns the logarithm of the mixture likelihood ratio at a t statistic.
func (r regression) logRatio(t float64) float64 {
	nu := float64(r.n - 1)
	if nu < 1 {
		return 0
	}
	best, total := math.Inf(-1), 0.0
	logs := make([]float64, len(effects))
	for i, g := range effects {
		b := 1 + g*r.weight
		logs[i] = -0.5*math.Log(b) + (nu+1)/2*(math.Log1p(t*t/nu)-math.Log1p(t*t/(nu*b)))
		best = math.Max(best, logs[i])
	}
	for _, l := range logs {
		total += math.Exp(l - best)
	}
	return best + math.Log(total/float64(len(effects)))
}

// radius returns how many standard errors around the slope are not excluded, at the error
// probability alpha on each side. It is infinite as long as nothing can be excluded.
func (r regression) radius(alpha float64) float64 {
	limit := -math.Log(2 * alpha) // M grows on both sides alike, and each side may err
	low, high := 1.0, 1e9
	if r.logRatio(high) < limit {
		return math.Inf(1)
	}
	for high > 1.001*low {
		mid := math.Sqrt(low * high)
		if r.logRatio(mid) < limit {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// after returns the regression as it would be after n pairs in all, if the others are like
// those so far.
func (r regression) after(n int) regression {
	more := float64(n) / float64(max(1, r.n))
	return regression{n: n, slope: r.slope, weight: r.weight * more, error: r.error / math.Sqrt(more)}
}
