/* What Great Expectations' pages ask of jQuery, Bootstrap and bootstrap-table, and no more: tables, tabs, collapses. */
"use strict";

(function () {
  const cellText = (html) => {
    const cell = document.createElement("template");
    cell.innerHTML = String(html ?? "");
    return cell.content.textContent.trim();
  };

  class Table {
    constructor(element, options) {
      this.element = element;
      this.columns = options.columns;
      this.rows = options.data;
      this.sortName = options.sortName || this.columns[0].field;
      this.isDescending = options.sortOrder === "desc";
      this.wanted = "";
      this.addSearch(options);
      this.show();
    }

    addSearch(options) {
      const toolbar = document.querySelector(options.toolbar);
      if (!toolbar || options.search !== "true") return;
      this.search = document.createElement("input");
      this.search.type = "search";
      this.search.placeholder = "Search";
      this.search.addEventListener("input", () => {
        this.wanted = this.search.value.toLowerCase();
        this.show();
      });
      toolbar.append(this.search);
    }

    resetSearch() {
      this.wanted = "";
      if (this.search) this.search.value = "";
      this.show();
    }

    visibleRows() {
      const text = (row, field) => cellText(row[field]);
      const matches = (row) => this.columns.some((each) => text(row, each.field).toLowerCase().includes(this.wanted));
      const order = (one, other) =>
        text(one, this.sortName).localeCompare(text(other, this.sortName), undefined, { numeric: true });
      const rows = this.rows.filter(matches).sort(order);
      return this.isDescending ? rows.reverse() : rows;
    }

    show() {
      const head = document.createElement("tr");
      for (const column of this.columns) head.append(this.heading(column));
      const thead = document.createElement("thead");
      thead.append(head);
      const tbody = document.createElement("tbody");
      for (const row of this.visibleRows()) tbody.append(this.row(row));
      this.element.classList.add("table");
      this.element.replaceChildren(thead, tbody);
    }

    heading(column) {
      const cell = document.createElement("th");
      cell.innerHTML = column.title;
      cell.tabIndex = 0;
      cell.addEventListener("click", () => {
        this.isDescending = this.sortName === column.field && !this.isDescending;
        this.sortName = column.field;
        this.show();
      });
      return cell;
    }

    row(row) {
      const line = document.createElement("tr");
      for (const column of this.columns) {
        const cell = document.createElement("td");
        cell.innerHTML = String(row[column.field] ?? "");
        line.append(cell);
      }
      if (row._table_row_link_path) {
        line.className = "clickable-row";
        line.addEventListener("click", () => window.location.assign(row._table_row_link_path));
      }
      return line;
    }
  }

  const tables = new Map();

  class Selection {
    constructor(elements) {
      this.elements = elements;
    }

    parent() {
      return new Selection([...new Set(this.elements.map((each) => each.parentElement).filter(Boolean))]);
    }

    each(action) {
      this.elements.forEach((element, index) => action(index, element));
      return this;
    }

    ready(action) {
      document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", action) : action();
      return this;
    }

    fadeIn() {
      return this.each((_, element) => element.classList.remove("hidden"));
    }

    fadeOut() {
      return this.each((_, element) => element.classList.add("hidden"));
    }

    /* Rows are links by themselves; tooltips are the browser's own. */
    on() {
      return this;
    }
    tooltip() {
      return this;
    }
    popover() {
      return this;
    }
    modal() {
      return this;
    }

    bootstrapTable(wish) {
      return this.each((_, element) => {
        if (wish === "resetSearch") tables.get(element)?.resetSearch();
        else if (typeof wish === "object") tables.set(element, new Table(element, wish));
      });
    }
  }

  window.$ = window.jQuery = (target) => {
    if (typeof target === "function") return new Selection([]).ready(target);
    if (typeof target === "string") return new Selection([...document.querySelectorAll(target)]);
    return new Selection([target]);
  };

  const openTab = (link) => {
    const pane = document.getElementById(link.getAttribute("href").slice(1));
    link.closest(".nav").querySelectorAll(".nav-link").forEach((each) => each.classList.toggle("active", each === link));
    [...pane.parentElement.children].forEach((each) => {
      each.classList.toggle("active", each === pane);
      each.classList.toggle("show", each === pane);
    });
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-toggle=collapse], [data-toggle=tab]");
    if (!link) return;
    event.preventDefault();
    if (link.dataset.toggle === "tab") openTab(link);
    else document.querySelector(link.getAttribute("href") || link.dataset.target)?.classList.toggle("show");
  });
})();
