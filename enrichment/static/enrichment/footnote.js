// The moving progress bar of a run, filter forms without blank rows, boxes ticked together.
(() => {
    "use strict";

    const show = (page, state) => {
        page.querySelectorAll("[data-progress]").forEach((node) => {
            const value = state[node.dataset.progress];
            node.textContent = typeof value === "number" ? value.toLocaleString("en") : value;
        });
        const bar = page.querySelector("[role=progressbar]");
        bar.setAttribute("aria-valuenow", state.percent);
        bar.firstElementChild.style.width = `${state.percent}%`;
        page.querySelectorAll("[data-state]").forEach((node) => {
            const count = state.states[node.dataset.state] || 0;
            node.querySelector("[data-count]").textContent = count.toLocaleString("en");
            node.hidden = count === 0;
        });
        page.querySelectorAll("[data-when]").forEach((node) => {
            node.hidden = !node.dataset.when.split(" ").includes(state.status);
        });
        page.querySelectorAll("[data-when-failed]").forEach((node) => {
            node.hidden = state.open || !state.states.failed;
        });
    };

    const follow = (page) => {
        const ask = async () => {
            let open = true;
            try {
                const answer = await fetch(page.dataset.follow, { headers: { Accept: "application/json" } });
                if (answer.ok && !answer.redirected) {
                    const state = await answer.json();
                    show(page, state);
                    open = state.open;
                    if (!open) window.setTimeout(() => window.location.reload(), 600);
                } else {
                    open = false; // signed out, or the run is gone
                }
            } catch {
                // The server is away for a moment: ask again.
            }
            if (open) window.setTimeout(ask, 1000);
        };
        window.setTimeout(ask, 1000);
    };

    document.addEventListener("DOMContentLoaded", () => {
        document.querySelectorAll("[data-follow]").forEach((page) => {
            if (page.dataset.open === "true") follow(page);
        });
        const filters = document.getElementById("filter-form");
        if (filters) {
            filters.addEventListener("submit", () => {
                filters.querySelectorAll(".fn-condition").forEach((row) => {
                    if (!row.querySelector("[name=attribute]").value) {
                        row.querySelectorAll("[name]").forEach((field) => { field.disabled = true; });
                    }
                });
                filters.querySelectorAll("select[name], input[type=text][name]").forEach((field) => {
                    if (!field.value && !field.closest(".fn-condition")) field.disabled = true;
                });
            });
        }
        document.querySelectorAll("[data-tick]").forEach((button) => {
            button.addEventListener("click", () => {
                const boxes = button.closest("section").querySelectorAll("input[type=checkbox]");
                const ticked = button.dataset.tick === "all";
                boxes.forEach((box) => { box.checked = ticked; });
            });
        });
    });
})();
